/** Random workflow programs, as text: steps, sleeps, hooks and native promise combinators, nested in any way. */
import fc from "fast-check";

/** An expression that is a promise. `weight` is about how many operations it asks for. */
type Node =
  | { readonly kind: "step"; readonly name: number; readonly argument: number }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "hook"; readonly count: number }
  | { readonly kind: "combine"; readonly how: "all" | "race" | "any" | "allSettled"; readonly parts: readonly Node[] }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "attempt"; readonly body: Node; readonly fallback: Node }
  | { readonly kind: "unawaited"; readonly body: Node }
  | { readonly kind: "chain"; readonly first: Node; readonly then: Node }
  | { readonly kind: "loop"; readonly times: number; readonly body: Node }
  | { readonly kind: "branch"; readonly yes: Node; readonly no: Node };

const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.record({ kind: fc.constant("step" as const), name: fc.nat(4), argument: fc.nat(3) }),
    fc.record({ kind: fc.constant("sleep" as const), ms: fc.nat(2000) }),
    fc.record({ kind: fc.constant("hook" as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      kind: fc.constant("combine" as const),
      how: fc.constantFrom("all" as const, "race" as const, "any" as const, "allSettled" as const),
      parts: fc.array(tie("node"), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant("sequence" as const), parts: fc.array(tie("node"), { minLength: 1, maxLength: 4 }) }),
    fc.record({ kind: fc.constant("attempt" as const), body: tie("node"), fallback: tie("node") }),
    fc.record({ kind: fc.constant("unawaited" as const), body: tie("node") }),
    fc.record({ kind: fc.constant("chain" as const), first: tie("node"), then: tie("node") }),
    fc.record({ kind: fc.constant("loop" as const), times: fc.integer({ min: 1, max: 3 }), body: tie("node") }),
    fc.record({ kind: fc.constant("branch" as const), yes: tie("node"), no: tie("node") }),
  ),
}));

/** A workflow whose result tells in which order everything happened. */
export const programs: fc.Arbitrary<string> = node.map((body) => workflowText(body, 1));

/** The same, its body repeated until it has asked for `steps` steps. */
export function longPrograms(steps: number): fc.Arbitrary<string> {
  return node.map((body) => workflowText(body, steps));
}

function workflowText(body: Node, steps: number): string {
  return `async function program(){const seen=[];const quiet=()=>{};let round=0,asked=0;const step=(...call)=>{asked++;return callStep(...call)};
const note=(v)=>{if(seen.length<5000)seen.push(v&&v.op?v.op+"="+v.n:typeof v==="number"?v:v instanceof Error?v.message:typeof v);return v};
for(;asked<${steps};round++){await step("round",[round,Math.random(),Date.now()]).catch(note);await ${text(body)}.catch(note)}return [asked,seen]}`;
}

function text(node: Node): string {
  switch (node.kind) {
    case "step":
      return `step("s${node.name}",[${node.argument},round,Math.random()]).then(note)`;
    case "sleep":
      return `sleep(${node.ms}).then(note)`;
    case "hook":
      return `(async()=>{const hook=createHook();for(let i=0;i<${node.count};i++)note(await hook);hook.dispose()})()`;
    case "combine":
      return `Promise.${node.how}([${node.parts.map(text).join(",")}]).then(note)`;
    case "sequence":
      return `(async()=>{${node.parts.map((part) => `await ${text(part)};`).join("")}})()`;
    case "attempt":
      return `(async()=>{try{await ${text(node.body)}}catch(error){note(error);await ${text(node.fallback)}}finally{note(Date.now()%1000)}})()`;
    case "unawaited":
      return `(async()=>{void ${text(node.body)}.catch(quiet)})()`;
    case "chain":
      return `${text(node.first)}.then(()=>${text(node.then)})`;
    case "loop":
      return `(async()=>{for(let i=0;i<${node.times};i++)await ${text(node.body)}})()`;
    case "branch":
      return `(Math.random()<0.5?${text(node.yes)}:${text(node.no)})`;
    default:
      return node satisfies never;
  }
}
