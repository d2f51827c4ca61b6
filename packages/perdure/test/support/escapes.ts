/**
 * Expressions that try to learn the real time, chance or something of the host, or to change what others see. Each is evaluated in workflow code, live and on a
 * replay by another worker some time later; the results must be the same, and those of `outcomes`, where that says what they are.
 */
export const escapes: Readonly<Record<string, string>> = {
  "Date.now": "Date.now()",
  "new Date": "new Date().getTime()",
  "Date as a function": "Date()",
  "the constructor of a date": "new (new Date().constructor)().getTime()",
  "a subclass of Date": "new (class extends Date{})().getTime()",
  "Reflect.construct of Date": "Reflect.construct(Date,[],Object).getTime?.call?.(new Date())",
  "Date through its prototype": "Date.prototype.constructor.now()",
  "an own copy of Date": "new (Object.getPrototypeOf(new Date()).constructor)().toISOString()",
  "toLocaleString of a date": "new Date().toLocaleString()",
  toLocaleTimeString: "new Date().toLocaleTimeString('en',{timeZoneName:'long'})",
  "Intl.DateTimeFormat format": "new Intl.DateTimeFormat('en',{dateStyle:'full',timeStyle:'long'}).format()",
  "Intl.DateTimeFormat formatToParts": "new Intl.DateTimeFormat('en',{fractionalSecondDigits:3}).formatToParts()",
  "Intl.DateTimeFormat formatRange": "new Intl.DateTimeFormat('en').formatRange(new Date(),new Date())",
  "Intl through instance.constructor": "new (new Intl.DateTimeFormat().constructor)('en',{timeStyle:'long'}).format()",
  "Intl without new": "Intl.DateTimeFormat('en',{timeStyle:'long'}).format()",
  "a subclass of Intl.DateTimeFormat": "new (class extends Intl.DateTimeFormat{})('en',{timeStyle:'long'}).format()",
  "format undefined": "new Intl.DateTimeFormat('en',{fractionalSecondDigits:3}).format(undefined)",
  "the time zone": "new Intl.DateTimeFormat().resolvedOptions().timeZone",
  "the locale": "new Intl.NumberFormat().resolvedOptions().locale",
  "the locale of a collator":
    "[new Intl.Collator().resolvedOptions().locale,new Intl.PluralRules().resolvedOptions().locale,new Intl.ListFormat().resolvedOptions().locale]",
  "the offset of local time": "new Date(0).getTimezoneOffset()",
  "local time of a date":
    "[new Date(0).getHours(),new Date(1.6e12).toString(),new Date(2020,5,1).getTime(),Date.parse('2020-06-01T00:00')]",
  "parsing of dates":
    "['2020-06-01','2020-06-01T10:00','2020-06-01T10:00:00.5','2020-06-01T10:00Z','2020-06-01T10:00+02:00','June 1, 2020','6/1/2020 10:00','6-1-2020','Mon Jun 01 2020 10:00:00 GMT+0200 (CEST)','Mon, 01 Jun 2020 10:00:00 GMT','2020-06-01 10:00','2020-06-01 10:00 -0500','x'].map(t=>[Date.parse(t),new Date(t).getTime()])",
  "arguments of new Date":
    "[new Date(5),new Date(new Date(6)),new Date({valueOf:()=>7}),new Date({toString:()=>'2020-06-01T00:00'}),new Date(99,0),new Date(2020,0,31,1,2,3,4),new Date(undefined),new Date(null),new Date('x',1)].map(Number)",
  "setters of local time":
    "(()=>{const d=new Date(0);d.setHours(5,6,7,8);d.setDate(9);d.setMonth(2);d.setFullYear(2021);return [d.getTime(),d.getDay(),d.toDateString(),d.toTimeString(),String(new Date(NaN)),`${d}`,d.getYear()]})()",
  "an unknown locale":
    "[new Intl.NumberFormat('zz').resolvedOptions().locale,(1.5).toLocaleString('de'),'a'.localeCompare('b','zz'),Intl.NumberFormat.supportedLocalesOf(['de','zz'])]",
  "a named time zone": "new Date(0).toLocaleString('en-GB',{timeZone:'Asia/Tokyo'})",
  "relative time": "new Intl.RelativeTimeFormat('en').format(-1,'day')",
  Temporal: "typeof Temporal==='undefined'?'none':[Temporal.Now.instant().epochMilliseconds,Temporal.Now.timeZoneId()]",
  "performance.now": "performance.now()",
  "performance.timeOrigin": "performance.timeOrigin",
  "performance's prototype": "[Object.getPrototypeOf(performance)===Object.prototype,typeof performance.mark]",
  "time of an event": "new Event('x').timeStamp>=0?'relative':0",
  "lastModified of a file": "new File([],'x').lastModified",
  "Math.random": "Math.random()",
  "Math.random by another way": "Reflect.apply(Object.getOwnPropertyDescriptor(Math,'random').value,null,[])",
  "crypto.randomUUID": "crypto.randomUUID()",
  "crypto.getRandomValues": "[...crypto.getRandomValues(new Uint32Array(3))]",
  "crypto.subtle": "typeof crypto.subtle",
  "crypto's prototype": "Object.getPrototypeOf(crypto)===Object.prototype",
  "the boundary of a form": "(()=>{const f=new FormData();f.append('a','b');return new Response(f).headers.get('content-type')})()",
  "a hook's token": "createHook().token.length>16",
  WeakRef: "typeof WeakRef",
  FinalizationRegistry: "typeof FinalizationRegistry",
  SharedArrayBuffer: "typeof SharedArrayBuffer",
  Atomics: "typeof Atomics",
  WebAssembly: "typeof WebAssembly",
  process: "[typeof process,typeof require,typeof module,typeof global,typeof __filename]",
  "import()": "(()=>{try{return Function('return import(\"node:fs\")')()}catch(e){return e.name}})()",
  "Function of return this": "(()=>{try{return Function('return this')()}catch(e){return e.name}})()",
  eval: "(()=>{try{return (0,eval)('1')}catch(e){return e.name}})()",
  "the constructor of a function": "(()=>{try{return (()=>1).constructor('return 1')()}catch(e){return e.name}})()",
  "the constructor of async functions": "(()=>{try{return (async()=>1).constructor('return 1')()}catch(e){return e.name}})()",
  "the constructor of generators": "(()=>{try{return (function*(){}).constructor('return 1')()}catch(e){return e.name}})()",
  "the constructor of async generators": "(()=>{try{return (async function*(){}).constructor('return 1')()}catch(e){return e.name}})()",
  "constructors behind the runtime's functions":
    "[createHook,callStep,sleep,__perdure.outside,URL,structuredClone,console.log,Date.now,crypto.randomUUID,new URL('a:b').searchParams.get,atob].map(f=>{try{return f.constructor('return process')()}catch(e){return e.name}})",
  "the realm of an error of the URL parser":
    "(()=>{try{new URL('x')}catch(e){return e instanceof TypeError&&e.constructor===TypeError}})()",
  "errors of an exhausted stack":
    "(()=>{let seen=new Set();const dig=n=>{try{new URL('http://a/');dig(n+1)}catch(e){seen.add(e instanceof Error&&e.constructor===RangeError);}};dig(0);return [...seen]})()",
  "this of a sloppy function": "(()=>{try{return typeof (function(){return this})()}catch(e){return e.name}})()",
  "globalThis of globalThis": "globalThis.globalThis===globalThis",
  self: "[self===globalThis,self.self===self,(()=>{self.mine=1;return globalThis.mine})()]",
  "the prototype of globalThis": "(()=>{try{Object.getPrototypeOf(globalThis).leak=1;return 'changed'}catch(e){return e.name}})()",
  "the kernel's entry":
    "[typeof globalThis.__perdure_evaluate,(()=>{try{return __perdure_evaluate(0)??__perdure_evaluate(1)??'nothing'}catch(e){return e.name}})()]",
  "names of the global object":
    "(()=>{const n=[];for(let o=globalThis;o&&o!==Object.prototype;o=Object.getPrototypeOf(o))n.push(...Reflect.ownKeys(o).map(String));return n.filter(x=>/perdure|kernel|web$|process/i.test(x))})()",
  "stacks of errors": "(()=>{const f=()=>new Error('x').stack;return f()})()",
  "a stack through captureStackTrace": "(()=>{const o={};Error.captureStackTrace(o);return o.stack})()",
  "stacks after an await": "await (async()=>{await null;return new Error('y').stack})()",
  "stacks of the runtime's errors":
    "await callStep('escapes#none',[()=>1]).catch(e=>[e.message,e.stack.includes('node:'),e.stack.includes('/')])",
  "Error.prepareStackTrace":
    "(()=>{try{Error.prepareStackTrace=(e,s)=>s;const s=new Error().stack;return typeof s}catch(e){return e.name}})()",
  "Error.stackTraceLimit": "(()=>{try{Error.stackTraceLimit=0;return 'set'}catch(e){return e.name}})()",
  "messages with paths of the host":
    "(()=>{const m=[];for(const f of [()=>null.x,()=>undefined(),()=>JSON.parse('{'),()=>new URL('x'),()=>structuredClone(()=>1),()=>fetch()])try{f()}catch(e){m.push(e.message)};return m})()",
  "the last match":
    "(()=>{/(secret)/.test('a secret');return [RegExp.$1,RegExp.lastMatch,RegExp['$&'],RegExp.input,RegExp.rightContext]})()",
  "compile of a regular expression": "(()=>{const r=/a/;return r.compile?[r.compile('b').source,/a/.source]:'none'})()",
  "sorting is stable": "Array.from({length:600},(_,i)=>[i%7,i]).sort((a,b)=>a[0]-b[0]).every((x,i,l)=>!i||l[i-1][0]<x[0]||l[i-1][1]<x[1])",
  "sorting without a comparison": "['é','z','a','Z',10,9,undefined,1].sort()",
  localeCompare: "['ä','z','a'].sort((a,b)=>a.localeCompare(b))",
  "numbers in the locale": "[(1234.5).toLocaleString(),(1234567n).toLocaleString(),[1.5,new Date(0)].toLocaleString()]",
  "upper case in the locale": "['i'.toLocaleUpperCase(),'I'.toLocaleLowerCase()]",
  "the order of keys": "Object.keys({b:1,2:1,a:1,1:1})",
  "the species of promises":
    "(()=>{try{Object.defineProperty(Promise,Symbol.species,{value:1});return 'changed'}catch(e){return e.name}})()",
  "then of promises": "(()=>{try{Promise.prototype.then=()=>1;return 'changed'}catch(e){return e.name}})()",
  "pollution through JSON":
    '(()=>{const o=JSON.parse(\'{"__proto__":{"polluted":1}}\');Object.assign({},o);const m={};for(const k in o)m[k]=o[k];return [({}).polluted,m.polluted]})()',
  "pollution through __proto__": "(()=>{try{({}).__proto__.polluted=1;return 'changed'}catch(e){return e.name}})()",
  "setting a prototype's prototype":
    "(()=>{try{Object.setPrototypeOf(Array.prototype,{leak:1});return 'changed'}catch(e){return e.name}})()",
  "legacy definers":
    "(()=>{try{Object.prototype.__defineGetter__.call(Array.prototype,'leak',()=>1);return 'changed'}catch(e){return e.name}})()",
  "getters of globals":
    "(()=>{const d=Object.getOwnPropertyDescriptor(Object.getPrototypeOf(globalThis),'Array');try{d.set.call(Object.getPrototypeOf(globalThis),1);return 'changed'}catch(e){return [e.name,Array.name]}})()",
  "assignments to globals":
    "['Array','URL','Date','JSON','Promise','structuredClone'].map(n=>{try{({Array:()=>{Array=1},URL:()=>{URL=1},Date:()=>{Date=1},JSON:()=>{JSON=1},Promise:()=>{Promise=1},structuredClone:()=>{structuredClone=1}})[n]();return 'changed'}catch(e){return e.name}})",
  "members of the runtime's functions":
    "[__perdure,callStep,__perdure.FatalError,__perdure.FatalError.prototype,__perdure.PerdureError,URL,URL.prototype,Headers.prototype,ReadableStream.prototype,Buffer,console,crypto,performance,DOMException.prototype,TextDecoder.prototype].map(o=>{try{o.leak=1;return 'changed'}catch(e){return e.name}})",
  "classes made for unknown errors":
    "(()=>{try{throw 0}catch{};return callStep('escapes#throw',[]).catch(e=>{try{e.constructor.leak=1;return 'changed'}catch(x){return [e.name,x.name]}})})()",
  "prototypes of iterators":
    "[[][Symbol.iterator](),new Map().keys(),''[Symbol.iterator](),(function*(){})(),(async function*(){})(),'a'.matchAll(/a/g),new Headers().entries(),new URLSearchParams().keys(),new FormData().entries(),new Intl.Segmenter('en').segment('a')[Symbol.iterator]()].map(i=>{try{Object.getPrototypeOf(Object.getPrototypeOf(i)??i).leak=1;Object.getPrototypeOf(i).leak2=1;return 'changed'}catch(e){return e.name}})",
  "prototypes of Intl's objects":
    "[Intl,Intl.DateTimeFormat.prototype,Intl.NumberFormat,new Intl.Segmenter('en').segment('a')].map((o,i)=>{try{(i===3?Object.getPrototypeOf(o):o).leak=1;return 'changed'}catch(e){return e.name}})",
  "registered symbols": "Symbol.for('x')===Symbol.for('x')&&Symbol.keyFor(Symbol.iterator)===undefined",
  "the platform": "[typeof navigator,typeof performance.memory,typeof Deno,typeof Bun,typeof window]",
  gc: "[typeof gc,typeof v8,typeof console._stdout,typeof console.profile]",
  "the length of a stack": "typeof (()=>{let n=0;const f=()=>{n++;f()};try{f()}catch{};return n})()",
  "ids of operations in flight": "Object.keys(callStep('escapes#ok',[])).length",
  ShadowRealm: "[typeof ShadowRealm,typeof Iterator==='undefined'||typeof Iterator]",
  "Array.fromAsync and microtasks": "await Promise.all([1,2].map(async x=>{await null;return x}))",
  // Dates, all the other ways.
  "Date without arguments, bound, applied and reflected":
    "[Date.bind()(),new (Date.bind(null))().getTime(),Date.apply(null,[]),Reflect.construct(Date,[]).getTime(),new (new Proxy(Date,{}))().getTime(),new Date(...[]).getTime(),new Date(new Date()).getTime()]",
  "Date.UTC and parse": "[Date.UTC(),Date.UTC(2020),Date.parse(),Date.length,Date.name]",
  "toPrimitive of dates":
    "(()=>{const d=new Date();const seen=[d[Symbol.toPrimitive]('number')===Date.now(),+d-Date.now(),d+'',`${d}`];try{Object.defineProperty(Date.prototype,Symbol.toPrimitive,{value:()=>1});seen.push('changed')}catch(e){seen.push(e.name)}return seen})()",
  "local forms of now":
    "[new Date().toLocaleDateString(undefined,{timeZoneName:'long'}),new Date().toLocaleTimeString(),new Date().toString(),new Date().toUTCString(),new Date().toJSON()]",
  "dates of another constructor":
    "Object.prototype.toString.call(new (class extends (class extends Date{}){})())+Object.getPrototypeOf(class extends Date{}).now()",
  "time in the future": "[new Date(Date.now()+864e5).getTime()-Date.now(),new Date(1e15).toISOString()]",
  "the legacy constructor of Intl.DateTimeFormat":
    "(()=>{const f=Intl.DateTimeFormat.call(Object.create(Intl.DateTimeFormat.prototype),'en',{timeStyle:'long'});return [f.format(),f.formatToParts?.()]})()",
  "format as a loose function":
    "(()=>{const {format}=new Intl.DateTimeFormat('en',{fractionalSecondDigits:3,second:'numeric'});return [format(),format(undefined),[undefined].map(format)]})()",
  "other formats of Intl":
    "[new Intl.DisplayNames('en',{type:'region'}).of('NL'),new Intl.ListFormat().format(['a','b']),new Intl.PluralRules('en',{type:'ordinal'}).select(2),typeof Intl.DurationFormat==='undefined'||'has']",
  "Intl.supportedValuesOf and the calendar":
    "[new Intl.DateTimeFormat().resolvedOptions().calendar,Intl.getCanonicalLocales('EN-us'),new Intl.Locale('en').maximize().toString()]",
  "an object of Intl is the run's own":
    "(()=>{const a=new Intl.NumberFormat('en');a.mine=1;return [new Intl.NumberFormat('en').mine,a.format===new Intl.NumberFormat('en').format,a.format===a.format]})()",
  "the exact time of an event": "[new Event('x').timeStamp-new Event('y').timeStamp,new CustomEvent('x',{detail:1}).timeStamp<1]",
  "performance's other clocks":
    "['mark','measure','toJSON','eventLoopUtilization','timerify','nodeTiming','getEntries'].map(n=>typeof performance[n])",
  // Timers and order.
  "time of timers":
    "await (async()=>{const t=Date.now();await new Promise(r=>setTimeout(r,5));const n=Date.now()-t;return [n>=5,typeof n,performance.now()>=5]})()",
  "a timer's handle":
    "(()=>{const t=setTimeout(()=>0,5);clearTimeout(t);return [typeof t==='object'?Object.keys(t).length:typeof t,typeof setTimeout(()=>0,0)?.ref]})()",
  "order of microtasks":
    "await (async()=>{const l=[];queueMicrotask(()=>l.push(1));Promise.resolve().then(()=>l.push(2));queueMicrotask(()=>l.push(3));(async()=>{await null;l.push(4)})();await null;await null;await null;return l})()",
  "order of steps that end together": "await Promise.race([1,2,3].map(n=>callStep('escapes#echo',[n])))",
  "Array.fromAsync": "typeof Array.fromAsync==='undefined'?[0,1]:await Array.fromAsync((async function*(){yield 0;yield 1})())",
  "timers of other kinds":
    "[typeof setImmediate,typeof requestAnimationFrame,typeof requestIdleCallback,typeof scheduler].filter(t=>t!=='undefined').length<2",
  "channels and workers":
    "['MessageChannel','BroadcastChannel','Worker','SharedWorker','WebSocket','EventSource','XMLHttpRequest','localStorage','sessionStorage','indexedDB','caches','navigator','location','document','process'].filter(n=>n in globalThis)",
  "process.env in all ways":
    "[typeof process,typeof globalThis.process,'process' in globalThis,Reflect.has(Object.getPrototypeOf(globalThis),'process'),(()=>{try{return process.env.HOME}catch(e){return e.name}})()]",
  // Objects of the host.
  "functions behind what the runtime returns":
    "(()=>{const p=callStep('escapes#ok',[]);const all=[p,p.then,p.constructor,createHook(),createHook().dispose,getWorkflowMetadata(),getWorkflowMetadata().signal,scope,spawn(()=>callStep('escapes#ok',[]),[]),getWritable(),getWritable().getWriter,setTimeout,crypto,console,performance,new Headers(),new Response('x').body,new Blob(['x']).stream(),AbortSignal.timeout(1e6)];return all.map(o=>{try{return (typeof o==='function'?o:o.constructor).constructor('return process')()}catch(e){return e.name}})})()",
  "prototypes behind what the runtime returns":
    "(()=>{const top=o=>{for(let p;(p=Object.getPrototypeOf(o))!==null;)o=p;return o===Object.prototype};return [callStep('escapes#ok',[]),callStep,createHook(),getWorkflowMetadata(),new URL('a:b'),new Headers(),new Response('x').body,console,crypto,performance,Error.captureStackTrace,structuredClone({}),structuredClone(new Map()),structuredClone(new Error('x')),new TextEncoder().encode('a'),Buffer.from('a')].map(top)})()",
  "results of steps":
    "(async v=>{const top=o=>{for(let p;(p=Object.getPrototypeOf(o))!==null;)o=p;return o===Object.prototype};return [v instanceof Map,[...v].flat().filter(x=>typeof x==='object').map(top),v.get('e').constructor===TypeError,v.get('f').name,(()=>{try{return v.get('f').constructor('return process')()}catch(e){return e.name}})()]})(await callStep('escapes#many',[]))",
  "the constructors of a step's error":
    "await callStep('escapes#throw',[]).catch(e=>{const l=[];for(let c=e;c;c=Object.getPrototypeOf(c))try{l.push(c.constructor.constructor('return process')())}catch(x){l.push(x.name)}return l})",
  "a proxy as an argument":
    "await (async()=>{const seen=new Set();const h=new Proxy({},{get:(_,trap)=>(...a)=>{for(const x of a)if(x!==null&&(typeof x==='object'||typeof x==='function'))seen.add(x instanceof Object);return Reflect[trap](...a)}});const r=await callStep('escapes#echo',[new Proxy({a:1,b:[2n]},h)]);return [[...seen],r.a]})()",
  "getters and toJSON of an argument":
    "await (async()=>{let n=0;const r=await callStep('escapes#echo',[{get a(){n++;return typeof this.constructor.constructor}}]);return [r.a,n>0]})()",
  "calls that are refused":
    "await (async()=>{const l=[];for(const v of [()=>1,Symbol('s'),'x'.repeat(9e6),new WeakMap(),{get a(){throw new RangeError('own')}}])l.push(await callStep('escapes#echo',[v]).then(()=>'took it',e=>e.code??e.name));return l})()",
  "chance in a getter of an argument":
    "await (async()=>{let id;const o={get id(){return id??=Math.random()}};const r=await callStep('escapes#echo',[o]);const next=Math.random();await callStep('escapes#ok',[o,o]);return [r.id===o.id,next!==o.id,next>=0]})()",
  thenables:
    "await (async()=>{const l=[];const t={then(ok,no){for(const f of [ok,no])try{l.push(f.constructor('return process')())}catch(e){l.push(e.name)}ok(1)}};l.push(await t,await Promise.all([t]),await Promise.race([t]));return l})()",
  "a thenable that a workflow's step is given": "await callStep('escapes#echo',[{then:1}])",
  "a promise of an own class":
    "await (async()=>{class P extends Promise{};const p=P.resolve(callStep('escapes#echo',[1]));return [p instanceof P,await p,await p.then(x=>x+1) ]})()",
  "species of an array":
    "[Array,RegExp,Map,ArrayBuffer,Object.getPrototypeOf(Uint8Array)].map(c=>{try{Object.defineProperty(c,Symbol.species,{value:1});return 'changed'}catch(e){return e.name}})",
  "async iterators of the runtime":
    "await (async()=>{const s=new ReadableStream({start(c){c.enqueue(1);c.close()}});const i=s[Symbol.asyncIterator]();const l=[];for(let o=i;o&&o!==Object.prototype;o=Object.getPrototypeOf(o))try{Object.getPrototypeOf(o).leak=1;l.push('changed')}catch(e){l.push(e.name)}return [l.includes('changed'),(await i.next()).value]})()",
  "a hook's iterator":
    "(()=>{const i=createHook()[Symbol.asyncIterator]();try{return i.next.constructor('return process')()}catch(e){return e.name}})()",
  "call sites through a class of the run's own":
    "(()=>{class E extends Error{static prepareStackTrace(e,s){return s}};const was=typeof new E('x').stack;globalThis.Error=class{static prepareStackTrace(e,s){return s}};let now;try{null.x}catch(e){now=typeof e.stack}delete globalThis.Error;return [was,now,typeof new Error('y').stack]})()",
  "stacks while the limit is an own one":
    "(()=>{const was=Error.stackTraceLimit;try{Object.defineProperty(Error,'stackTraceLimit',{value:1});return 'changed'}catch(e){return [e.name,was===Error.stackTraceLimit]}})()",
  "frames of the host in stacks":
    "(()=>{const seen=[];for(const f of [()=>new Error().stack,()=>{try{null.x}catch(e){return e.stack}},()=>{const o={};Error.captureStackTrace(o,Array);return o.stack},()=>[1].map(()=>new Error().stack)[0],()=>JSON.stringify({toJSON:()=>new Error().stack})])seen.push(/node:|file:|packages\\/|\\.ts:/.test(String(f())));return seen})()",
  "callers of strict functions":
    "['caller','callee','arguments'].map(n=>{try{return (function(){return n==='callee'?arguments.callee:(()=>{}).constructor.prototype[n]})()}catch(e){return e.name}})",
  "generators' own constructors":
    "[function*(){},async function*(){},async()=>1,class{}].map(f=>{try{return Reflect.construct(Object.getPrototypeOf(f).constructor,['return process'])()}catch(e){return e.name}})",
  // What runs could tell each other by.
  "statics of regular expressions by all names":
    "(()=>{/(b)/.exec('abc');class R extends RegExp{};return [Object.getOwnPropertyNames(RegExp).filter(n=>/[$]|last|left|right|input/.test(n)),R.$1,RegExp.prototype.$1,'$1' in RegExp]})()",
  "lastIndex of a literal": "(()=>{const f=()=>/a/g;f().exec('aa');return [f().lastIndex,f()===f()]})()",
  "template objects":
    "(()=>{const tag=s=>s;const f=()=>tag`a${1}b`;const s=f();try{s.leak=1}catch{}try{s.raw.push(1)}catch{}return [f()===f(),Object.isFrozen(s),Object.isFrozen(s.raw),s.length,s.leak]})()",
  "members of symbols":
    "[Symbol.for('k'),Symbol.iterator,'text',1,1n,true].map(v=>{try{v.leak=1;return 'changed'}catch(e){return e.name}})",
  "registered symbols as keys of what is shared":
    "[Object,Array.prototype,Promise,Map.prototype,Symbol,Symbol.prototype,Math,JSON,Reflect,Intl,Date,RegExp.prototype,URL,console,crypto,Error,DOMException,Buffer.prototype,callStep,__perdure].map(o=>{try{o[Symbol.for('leak')]=1;return 'changed'}catch(e){return e.name}})",
  "registered symbols as weak keys": "(()=>{try{new WeakMap().set(Symbol.for('k'),1);return 'took it'}catch(e){return e.name}})()",
  "private members on shared objects":
    "(()=>{class Base{constructor(o){return o}};class Stamp extends Base{#mark=1;static has(o){return #mark in o}};const l=[];for(const o of [Array.prototype,Math,console,Promise])try{new Stamp(o);l.push(Stamp.has(o))}catch(e){l.push(e.name)}return l.every(x=>x===true||x==='TypeError')})()",
  "extending, sealing and deleting what is shared":
    "[()=>delete Array.prototype.map,()=>{Object.assign(Math,{leak:1})},()=>Reflect.set(Math,'leak',1)&&(()=>{throw 1})(),()=>Reflect.defineProperty(JSON,'leak',{value:1})&&(()=>{throw 1})(),()=>Reflect.setPrototypeOf(Math,null)&&(()=>{throw 1})(),()=>Array.prototype.push.call(Array.prototype,1),()=>Object.freeze(Map.prototype)].map(f=>{try{return f()??'nothing'}catch(e){return e.name??e}}).map(x=>typeof x==='object'?'object':x)",
  "mutable state behind built-ins":
    "(()=>{const l=[];for(const [o,f] of [[Map.prototype,o=>o.set(1,1)],[Set.prototype,o=>o.add(1)],[Date.prototype,o=>o.setTime(1)],[RegExp.prototype,o=>o.exec('a')],[Array.prototype,o=>{o.length=1}],[Promise.prototype,o=>o.then(()=>0)],[URLSearchParams.prototype,o=>o.append('a','b')],[Headers.prototype,o=>o.append('a','b')],[EventTarget.prototype,o=>o.addEventListener('x',()=>0)]])try{f(o);l.push('changed')}catch(e){l.push(e.name)}return l})()",
  "listeners on what all runs have":
    "['addEventListener','dispatchEvent','onerror','onunhandledrejection','postMessage'].map(n=>typeof globalThis[n])",
  "counters of the console":
    "['count','time','timeEnd','group','dir','table','assert'].map(n=>{try{return typeof console[n]==='function'?String(console[n]('x')):'none'}catch(e){return e.name}})",
  "classes made for unknown instances": "await callStep('escapes#ok',[]).then(()=>[typeof __perdure.UnknownInstance])",
  "the bytes of a pool":
    "(()=>{const b=Buffer.from('ab');return [b.buffer.byteLength,b.byteOffset,Buffer.allocUnsafe?.(64).every(x=>x===0),Buffer.poolSize]})()",
  "fresh memory is zero": "[new Uint8Array(64).every(x=>x===0),new ArrayBuffer(8).byteLength,typeof ArrayBuffer.prototype.transfer]",
};

/** Where it matters what comes out, and not only that it is always the same. */
export const outcomes: Readonly<Record<string, unknown>> = {
  "performance's prototype": [true, "undefined"],
  "the time zone": "UTC",
  "the locale": "en-US",
  "the locale of a collator": ["en-US", "en", "en-US"],
  "the offset of local time": 0,
  "local time of a date": [0, "Sun Sep 13 2020 12:26:40 GMT+0000 (Coordinated Universal Time)", 1590969600000, 1590969600000],
  "parsing of dates": [
    1590969600000,
    1591005600000,
    1591005600500,
    1591005600000,
    1590998400000,
    1590969600000,
    1591005600000,
    1590969600000,
    1590998400000,
    1591005600000,
    1591005600000,
    1591023600000,
    null,
  ].map((time) => [time ?? NaN, time ?? NaN]),
  "arguments of new Date": [5, 6, 7, 1590969600000, 915148800000, 1580432523004, NaN, 0, NaN],
  "setters of local time": [
    Date.UTC(2021, 2, 9, 5, 6, 7, 8),
    2,
    "Tue Mar 09 2021",
    "05:06:07 GMT+0000 (Coordinated Universal Time)",
    "Invalid Date",
    "Tue Mar 09 2021 05:06:07 GMT+0000 (Coordinated Universal Time)",
    121,
  ],
  "an unknown locale": ["en-US", "1,5", -1, ["de"]],
  "a named time zone": "01/01/1970, 09:00:00",
  "crypto.subtle": "undefined",
  WeakRef: "undefined",
  FinalizationRegistry: "undefined",
  SharedArrayBuffer: "undefined",
  Atomics: "undefined",
  WebAssembly: "undefined",
  process: Array(5).fill("undefined"),
  "import()": "EvalError",
  "Function of return this": "EvalError",
  eval: "EvalError",
  "the constructor of a function": "EvalError",
  "the constructor of async functions": "EvalError",
  "the constructor of generators": "EvalError",
  "the constructor of async generators": "EvalError",
  "constructors behind the runtime's functions": Array(11).fill("EvalError"),
  "the realm of an error of the URL parser": true,
  "errors of an exhausted stack": [true],
  "this of a sloppy function": "undefined",
  "globalThis of globalThis": true,
  self: [true, true, 1],
  "the prototype of globalThis": "TypeError",
  "the kernel's entry": ["undefined", "nothing"],
  "names of the global object": [],
  "Error.prepareStackTrace": "TypeError",
  "the last match": [undefined, undefined, undefined, undefined, undefined],
  "sorting is stable": true,
  localeCompare: ["a", "ä", "z"],
  "numbers in the locale": ["1,234.5", "1,234,567", "1.5,1/1/1970, 12:00:00 AM"],
  "the species of promises": "TypeError",
  "then of promises": "TypeError",
  "pollution through JSON": [undefined, 1],
  "pollution through __proto__": "TypeError",
  "setting a prototype's prototype": "TypeError",
  "legacy definers": "TypeError",
  "getters of globals": ["TypeError", "Array"],
  "assignments to globals": Array(6).fill("TypeError"),
  "members of the runtime's functions": Array(15).fill("TypeError"),
  "classes made for unknown errors": ["Odd", "TypeError"],
  "prototypes of iterators": Array(10).fill("TypeError"),
  "prototypes of Intl's objects": Array(4).fill("TypeError"),
  "the platform": Array(5).fill("undefined"),
  gc: Array(4).fill("undefined"),
  "an object of Intl is the run's own": [undefined, false, true],
  "performance's other clocks": Array(7).fill("undefined"),
  "time of timers": [true, "number", true],
  "order of microtasks": [1, 2, 3, 4],
  "Array.fromAsync": [0, 1],
  "channels and workers": [],
  "process.env in all ways": ["undefined", "undefined", false, false, "ReferenceError"],
  "functions behind what the runtime returns": Array(19).fill("EvalError"),
  "prototypes behind what the runtime returns": Array(16).fill(true),
  "results of steps": [true, Array(5).fill(true), true, "ref", "EvalError"],
  "the constructors of a step's error": Array(4).fill("EvalError"),
  "a proxy as an argument": [[true], 1],
  "getters and toJSON of an argument": ["function", true],
  "calls that are refused": ["SERIALIZATION_FAILED", "SERIALIZATION_FAILED", "VALUE_TOO_LARGE", "SERIALIZATION_FAILED", "RangeError"],
  "chance in a getter of an argument": [true, true, true],
  thenables: [...Array<string>(6).fill("EvalError"), 1, [1], 1],
  "a promise of an own class": [true, 1, 2],
  "species of an array": Array(5).fill("TypeError"),
  "async iterators of the runtime": [false, 1],
  "a hook's iterator": "EvalError",
  "call sites through a class of the run's own": ["string", "string", "string"],
  "stacks while the limit is an own one": ["TypeError", true],
  "frames of the host in stacks": Array(5).fill(false),
  "callers of strict functions": Array(3).fill("TypeError"),
  "generators' own constructors": Array(4).fill("EvalError"),
  "statics of regular expressions by all names": [[], undefined, undefined, false],
  "lastIndex of a literal": [0, false],
  "template objects": [true, true, true, 2, undefined],
  "members of symbols": Array(6).fill("TypeError"),
  "registered symbols as keys of what is shared": Array(20).fill("TypeError"),
  "registered symbols as weak keys": "TypeError",
  "mutable state behind built-ins": Array(9).fill("TypeError"),
  "listeners on what all runs have": Array(5).fill("undefined"),
  "fresh memory is zero": [true, 8, typeof (ArrayBuffer.prototype as { transfer?: unknown }).transfer],
};
