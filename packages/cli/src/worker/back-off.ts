const firstMs = 1000;
const longestMs = 30_000;
const longLifeMs = 60_000;

/** How long to wait before a process that ended is started again. */
export interface BackOff {
  /** 1 s, then twice as long each time, 30 s at most; 1 s again after a life of a minute. @param livedMs how long the process lived */
  next(livedMs: number): number;
}

export function createBackOff(): BackOff {
  let ms = firstMs;
  return {
    next(livedMs) {
      if (livedMs >= longLifeMs) ms = firstMs;
      const pause = ms;
      ms = Math.min(longestMs, ms * 2);
      return pause;
    },
  };
}
