import { expect, test } from "vitest";

import { recogniseFunction } from "../src/sandbox/kernel/functions.ts";
import { callStep } from "../src/sandbox/kernel/steps.ts";

/** A function as compiled code has it. */
function evaluate(text: string): (...args: never[]) => unknown {
  return new Function("callStep", "module", "fee", `return (${text})`)(callStep, { callStep }, 3) as (...args: never[]) => unknown;
}

test.each([
  "async function charge(...$args){return callStep('s#1',$args)}",
  "async function(...$args) { return callStep('s#1', $args); }",
  "async(...$args)=>callStep('s#1',$args)",
  "async (...$args2) => callStep(\n    's#1', $args2\n  )",
  "({async charge(...$args){return callStep('s#1',$args)}}).charge",
  "({async'a b'(...$args){return callStep('s#1',$args)}})['a b']",
  "({async[fee](...$args){return callStep('s#1',$args)}})[3]",
  "class{static async charge(...$args){return callStep('s#1',$args)}}.charge",
  "class{static async#charge(...$args){return callStep('s#1',$args)}static charge=this.#charge}.charge",
  "(()=>{let callStep2=callStep;return async(...$args)=>callStep2('s#1',$args)})()",
  "async (...$args) => (0, module.callStep)('s#1', $args)",
  "async function charge(...$args) { fee++; fee++; return (0,module.callStep)('s#1', $args); }",
])("a step's function is known by its text: %s", (text) => {
  expect(recogniseFunction(evaluate(text))).toEqual({ kind: "step", id: "s#1", captures: null });
});

test("a step's captures are those of the moment, and a step whose captures have no value yet is none", () => {
  const object = evaluate("{pay:async(...$args)=>callStep('s#1',$args,{fee}),raise(){fee++}}") as unknown;
  const { pay, raise } = object as { pay: () => unknown; raise: () => void };
  expect(recogniseFunction(pay)).toEqual({ kind: "step", id: "s#1", captures: { fee: 3 } });
  raise();
  expect(recogniseFunction(pay)?.captures).toEqual({ fee: 4 });
  const early = evaluate(
    "(()=>{const early=async(...$args)=>callStep('s#1',$args,{late});return{get found(){return early},late:0};let late})().found",
  );
  expect(recogniseFunction(early)).toBeNull();
});

test.each([
  `async function run(){"perdure:workflow shop/a.ts#run%22%27%25";return 1}`,
  `async (a = { b: "}" }, c = () => { "x"; }) => {\n  "perdure:workflow shop/a.ts#run%22%27%25";\n}`,
  `({async run(...$args){'perdure:workflow shop/a.ts#run%22%27%25';return 1}}).run`,
])("a workflow's function is known by its directive: %s", (text) => {
  expect(recogniseFunction(evaluate(text))).toEqual({ kind: "workflow", id: `shop/a.ts#run"'%`, captures: null });
});

test.each([
  "()=>callStep('s#1',[])",
  "async()=>callStep('s#1',[])",
  "async function(...$args){const inner=async(...$args1)=>callStep('s#1',$args1);return inner(1,$args)}",
  "async(...args)=>callStep('s#1',args)",
  "class Flows{static async run(...$args){'perdure:workflow shop/a.ts#run';return 1}}",
  "class Steps{static async run(...$args){return callStep('s#1',$args)}}",
  "(async(...$args)=>callStep('s#1',$args)).bind(null)",
  "async()=>'{perdure:workflow shop/a.ts#run'",
])("other functions are not taken for those of steps and workflows, nor called: %s", (text) => {
  expect(recogniseFunction(evaluate(text))).toBeNull();
});
