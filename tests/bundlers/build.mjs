// Builds the application in the working directory with one bundler, plain and minified: `node build.mjs rollup` writes dist/rollup and
// dist/rollup-minified.
const [, , bundler] = process.argv;
const { default: build } = await import(`./builds/${bundler}.mjs`);
await build(`dist/${bundler}`, false);
await build(`dist/${bundler}-minified`, true);
