const freshMs = 100;
export function createCpuMeter() {
  let cpu = process.cpuUsage();
  let at = performance.now();
  return {
    start() {
      const now = performance.now();
      if (now - at < freshMs) return;
      cpu = process.cpuUsage();
      at = now;
    },
    share() {
      const { user, system } = process.cpuUsage(cpu);
      return (user + system) / 1000 / Math.max(1, performance.now() - at);
    },
  };
}
