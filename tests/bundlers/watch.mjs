// Builds the application in the working directory with one bundler, and with every change until standard input ends:
// `node watch.mjs rollup` writes dist/rollup-watched.
const [, , bundler] = process.argv;
const { watch } = await import(`./builds/${bundler}.mjs`);
const stop = await watch(`dist/${bundler}-watched`);
process.stdin.resume();
process.stdin.on("end", async () => {
  await stop();
  process.exit();
});
