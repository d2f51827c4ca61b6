import { stop } from "esbuild";

let users = 0;
let idle: NodeJS.Timeout | undefined;
const IDLE_MS = 500;

/**
 * Runs something that uses esbuild and ends esbuild's child process when nothing has used it for half a second. The next use starts it
 * again; neither it nor the timer keeps the application's process alive.
 */
export async function withEsbuild<T>(use: () => Promise<T>): Promise<T> {
  users++;
  clearTimeout(idle);
  try {
    return await use();
  } finally {
    users--;
    if (users === 0) idle = setTimeout(() => void stop(), IDLE_MS).unref();
  }
}
