// `npm test`, also on a fresh clone: installs if needed, builds (some tests pack the packages), runs all tests from src.
// Further arguments go to vitest. The last line on standard output is `N passed, N failed` with `, N skipped` where there are any.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install } from "./install.mjs";
import { node, npm } from "./run.mjs";

/** Counts the tests of a vitest JSON report. A file that failed as a whole (an import, a hook) counts as one failure. */
function count(reportPath) {
  let report;
  try {
    report = JSON.parse(readFileSync(reportPath, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }; // vitest died before its report
  }
  const failedFiles = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + failedFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Installs, builds and tests. A failed build counts as one failure; the tests that need no build still run. */
function runAll(args) {
  if (!install()) return { passed: 0, failed: 1, skipped: 0 };
  const built = npm("run", "build") === 0;
  const folder = mkdtempSync(join(tmpdir(), "perdure-test-"));
  try {
    const report = join(folder, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const status = node("node_modules/vitest/vitest.mjs", "run", ...reporters, ...args);
    const counts = count(report);
    if (status !== 0 && counts.failed === 0) counts.failed = 1; // an unhandled rejection, or no test matched
    if (!built) counts.failed += 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { passed, failed, skipped } = runAll(process.argv.slice(2));
process.exitCode = failed === 0 ? 0 : 1;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
