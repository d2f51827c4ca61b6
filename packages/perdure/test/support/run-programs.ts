/**
 * Random workflow programs that use all of the engine: what `programs.ts` has, and scopes, shields, sagas, child runs, awaited runs, continuations, published
 * values. A program gets the workflows that it may start and how deep it is in them.
 */
import fc from "fast-check";

/** An expression that is a promise. */
type Node =
  | { readonly kind: "step"; readonly name: number }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "timer"; readonly ms: number }
  | { readonly kind: "hook"; readonly count: number }
  | { readonly kind: "token"; readonly token: number }
  | { readonly kind: "combine"; readonly how: "all" | "race" | "any" | "allSettled"; readonly parts: readonly Node[] }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "attempt"; readonly body: Node; readonly fallback: Node }
  | { readonly kind: "unawaited" | "shield" | "saga"; readonly body: Node }
  | { readonly kind: "scope"; readonly ms: number; readonly body: Node }
  | { readonly kind: "cancelled"; readonly body: Node; readonly after: Node }
  | { readonly kind: "branch"; readonly yes: Node; readonly no: Node }
  | {
      readonly kind: "child";
      readonly which: number;
      readonly how: "await" | "cancel" | "give up" | "abandon" | "detach" | "key" | "refuse";
    }
  | { readonly kind: "publish"; readonly key: number };

export interface Program {
  /** The text of the workflow's function, and of those that it may start. */
  readonly texts: readonly string[];
  /** What is to happen to it: the seed of all choices. */
  readonly seed: number;
  /** After how many turns the first run is asked to end; 0: never. */
  readonly cancelAfter: number;
}

const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "large", withCrossShrink: true },
    fc.record({ kind: fc.constant("step" as const), name: fc.nat(3) }),
    fc.record({ kind: fc.constant("sleep" as const), ms: fc.nat(2000) }),
    fc.record({ kind: fc.constant("timer" as const), ms: fc.nat(2000) }),
    fc.record({ kind: fc.constant("hook" as const), count: fc.integer({ min: 1, max: 2 }) }),
    fc.record({ kind: fc.constant("token" as const), token: fc.nat(1) }),
    fc.record({ kind: fc.constant("publish" as const), key: fc.nat(1) }),
    fc.record({
      kind: fc.constant("child" as const),
      which: fc.nat(1),
      how: fc.constantFrom(...(["await", "cancel", "give up", "abandon", "detach", "key", "refuse"] as const)),
    }),
    fc.record({
      kind: fc.constant("combine" as const),
      how: fc.constantFrom("all" as const, "race" as const, "any" as const, "allSettled" as const),
      parts: fc.array(tie("node"), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant("sequence" as const), parts: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ kind: fc.constant("attempt" as const), body: tie("node"), fallback: tie("node") }),
    fc.record({ kind: fc.constantFrom("unawaited" as const, "shield" as const, "saga" as const), body: tie("node") }),
    fc.record({ kind: fc.constant("scope" as const), ms: fc.integer({ min: 1, max: 2000 }), body: tie("node") }),
    fc.record({ kind: fc.constant("cancelled" as const), body: tie("node"), after: tie("node") }),
    fc.record({ kind: fc.constant("branch" as const), yes: tie("node"), no: tie("node") }),
  ),
}));

const body = fc.record({ nodes: fc.array(node, { minLength: 1, maxLength: 4 }), rounds: fc.constantFrom(0, 0, 0, 0, 1, 2) });

export const runPrograms: fc.Arbitrary<Program> = fc.record({
  texts: fc.tuple(body, body, body).map((bodies) => bodies.map(workflowText)),
  seed: fc.nat(),
  cancelAfter: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 })),
});

function workflowText({ nodes, rounds }: { readonly nodes: readonly Node[]; readonly rounds: number }): string {
  const parts = nodes.map(
    (part) => `try{await ${text(part)}.then(note)}catch(error){note(error);if(depth===0&&signal.aborted)throw error}`,
  );
  return `async function program(flows,depth,round){const seen=[];const quiet=()=>{};
const note=(v)=>{seen.push(v&&v.op?v.op+"="+v.n:typeof v==="number"||typeof v==="string"?v:v instanceof Error?(v.code??v.name)+":"+v.message.slice(0,40)+(v.cause instanceof Error?"<"+v.cause.message.slice(0,30):""):typeof v);return v};
const step=(name)=>callStep(name,[round,Math.random(),Date.now()]);
const child=async(which,options)=>{if(depth>=2)return step("leaf");const run=await start(flows[which],[flows,depth+1,0],options);note(run.runId.slice(-4));return run};
const {signal}=getWorkflowMetadata();
try{${parts.join("\n")}}finally{note(Date.now()%1000)}
if(round<${rounds})return continueAsNew([flows,depth,round+1]);return seen}`;
}

function text(part: Node): string {
  switch (part.kind) {
    case "step":
      return `step("s${part.name}")`;
    case "sleep":
      return `sleep(${part.ms})`;
    case "timer":
      return `new Promise((resolve)=>setTimeout(resolve,${part.ms},"rang"))`;
    case "hook":
      return `(async()=>{const hook=createHook();for(let i=0;i<${part.count};i++)note(await hook);hook.dispose()})()`;
    case "token":
      return `(async()=>{const hook=createHook({token:"token${part.token}"});try{return note(await hook)}finally{hook.dispose()}})()`;
    case "publish":
      return `(async()=>{publish("k${part.key}",[seen.length,Math.random()]);setAttributes({at:seen.length})})()`;
    case "child":
      return childText(part);
    case "combine":
      return `Promise.${part.how}([${part.parts.map(text).join(",")}]).then(note)`;
    case "sequence":
      return `(async()=>{${part.parts.map((one) => `await ${text(one)};`).join("")}})()`;
    case "attempt":
      return `(async()=>{try{await ${text(part.body)}}catch(error){note(error);await ${text(part.fallback)}}finally{note(Date.now()%1000)}})()`;
    case "unawaited":
      return `(async()=>{void ${text(part.body)}.catch(quiet)})()`;
    case "shield":
      return `shield(async()=>${text(part.body)})`;
    case "saga":
      return `saga(async(compensate)=>{compensate(()=>step("undo").then(note));await ${text(part.body)};if(Math.random()<0.5)throw new RangeError("saga")})`;
    case "scope":
      return `scope({timeout:${part.ms}},async()=>${text(part.body)})`;
    case "cancelled":
      return `scope({},async(own)=>{const one=${text(part.body)};one.catch(quiet);await ${text(part.after)}.catch(quiet);own.cancel("enough");return one})`;
    case "branch":
      return `(Math.random()<0.5?${text(part.yes)}:${text(part.no)})`;
    default:
      return part satisfies never;
  }
}

function childText({ which, how }: Extract<Node, { kind: "child" }>): string {
  const flow = which + 1;
  switch (how) {
    case "await":
      return `child(${flow}).then((run)=>run.returnValue)`;
    case "cancel":
      return `child(${flow}).then(async(run)=>{await step("s0").catch(quiet);await run.cancel?.({reason:"no"});return run.returnValue})`;
    case "give up":
      return `(async()=>{if(depth>=2)return step("leaf");const one=spawn(flows[${flow}],[flows,depth+1,0]);one.result.catch(quiet);await step("s1").catch(quiet);one.cancel("given up");return one.result})()`;
    case "abandon":
      return `child(${flow},{parentClosePolicy:"abandon"})`;
    case "detach":
      return `child(${flow},{parentClosePolicy:"abandon"}).then((run)=>getRun(run.runId??"nobody").returnValue)`;
    case "key":
      return `child(${flow},{id:"key${which}"}).then((run)=>run.returnValue)`;
    case "refuse":
      return `child(${flow},{id:"key${which}",ifExists:"fail"}).then((run)=>run.returnValue)`;
    default:
      return how satisfies never;
  }
}
