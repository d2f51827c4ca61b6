/** Tells how much of the time that went by the process really ran. */
export interface CpuMeter {
  /** Something begins whose share may be asked for. Cheap: the reading is taken again only when the last one is old. */
  start(): void;
  /** Processor time by wall time since about the last start; may exceed 1 where several threads ran. */
  share(): number;
}

const freshMs = 100;

export function createCpuMeter(): CpuMeter {
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
