import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { workflowOf } from "./support/bundle.ts";
import { useWorld } from "./support/lab.ts";
import { printValue } from "./support/print-value.ts";

/** Uses of the web's classes whose outcome in workflow code must be that of Node's own. */
const uses: Readonly<Record<string, string>> = {
  "URLs and their parts":
    "['https://u:p@exämple.org:8080/a/../b%20c?x=1#y','HTTP://A.B:80','file:///c:/x','data:,x','blob:https://a/b','mailto:a@b','http://[::1]/','http://0x7f.1/'].map(u=>{const x=new URL(u);return [x.href,x.origin,x.protocol,x.username,x.password,x.host,x.hostname,x.port,x.pathname,x.search,x.hash,String(x),x.toJSON()]})",
  "URLs against a base": "[new URL('../x?y','http://a/b/c/d').href,new URL('//h/p','https://a').href,new URL('#z','http://a/b?c').href]",
  "invalid URLs":
    "['','x','http://','http://a:99999','http://a b/'].map(u=>{try{return new URL(u).href}catch(e){return [e.name,e.code,e instanceof TypeError]}})",
  "setters of URLs":
    "(()=>{const u=new URL('http://a/b?c#d');u.host='x:81';u.port='nope';u.protocol='https';u.pathname='é f';u.search='q=1&q=2';u.hash='';u.username='ü';const s=[u.href,u.searchParams.getAll('q')];try{u.href='bad'}catch(e){s.push(e.name)}try{u.origin='x'}catch(e){s.push(e.name)}return [...s,u.href]})()",
  "a URL and its params":
    "(()=>{const u=new URL('http://a/?b=1&b=2&c=%26+%zz');const p=u.searchParams;p.append('d e','f+é');p.delete('b','1');p.set('c','~!*()\\'');p.sort();u.search+='&z';const size=p.size;u.href='http://b/?only=1';return [u.searchParams===p,[...p],size,p.toString(),u.href,URL.canParse('x'),URL.canParse('x','http://a')]})()",
  URLSearchParams:
    "[new URLSearchParams('?a=1&b&=c&a=%F0%9F%98%80&%FF=%'),new URLSearchParams([['a','b'],['a','\\ud800']]),new URLSearchParams({x:1,y:null}),new URLSearchParams(new URLSearchParams('k=v'))].map(p=>[[...p],String(p),p.has('a'),p.has('a','1'),p.get('nope'),[...p.keys()],[...p.values()]])",
  TextEncoder:
    "(()=>{const e=new TextEncoder();const into=new Uint8Array(5);return [[...e.encode('aé€😀\\ud800')],[...e.encode()],e.encoding,e.encodeInto('é😀x',into),[...into]]})()",
  TextDecoder:
    "['utf-8','utf-16le','latin1','ascii','windows-1252','iso-8859-2','utf-16be'].map(l=>[new TextDecoder(l).encoding,new TextDecoder(l).decode(new Uint8Array([0xef,0xbb,0xbf,0x61,0xc3,0xa9,0xe2,0xff]))])",
  "TextDecoder in pieces":
    "(()=>{const d=new TextDecoder('utf-8',{ignoreBOM:true});const s=d.decode(new Uint8Array([0xe2,0x82]),{stream:true})+d.decode(new Uint8Array([0xac,0xe2]),{stream:true})+d.decode();let f;try{new TextDecoder('utf-8',{fatal:true}).decode(new Uint8Array([255]))}catch(e){f=e.name}let u;try{new TextDecoder('nope')}catch(e){u=e.name}return [s,f,u]})()",
  Headers:
    "(()=>{const h=new Headers({B:' 1 ','content-type':'x'});h.append('b','2');h.append('Set-Cookie','a=1');h.append('set-cookie','b=2');h.delete('nope');const f=[];h.forEach((v,k)=>f.push([k,v]));return [[...h],h.get('B'),h.get('nope'),h.has('CONTENT-TYPE'),h.getSetCookie(),f,[...new Headers([['a','1'],['A','2']])],['a b','',\"é\"].map(n=>{try{h.set(n,'x');return 'ok'}catch(e){return e.name}}),(()=>{try{h.set('x','a\\nb');return 'ok'}catch(e){return e.name}})()]})()",
  Response:
    "await (async()=>{const r=new Response('héllo',{status:404,statusText:'No',headers:{a:'b'}});const c=r.clone();const before=[r.ok,r.status,r.statusText,r.type,r.url,r.redirected,r.bodyUsed,[...r.headers]];return [before,await r.text(),r.bodyUsed,[...new Uint8Array(await c.arrayBuffer())],await r.text().catch(e=>e.name),(()=>{try{r.clone()}catch(e){return e.name}})()]})()",
  "bodies of all kinds":
    "await Promise.all([new Uint8Array([104,105]),new Uint8Array([104,105]).buffer,'hi',new URLSearchParams({a:'b c'}),new Blob(['hi'],{type:'T/x'}),null,undefined,5].map(async b=>{const r=new Response(b);return [r.headers.get('content-type'),await r.text(),r.body===null]}))",
  "statics of Response":
    "await (async()=>[await Response.json({a:[1]},{status:201}).json(),Response.json(1).headers.get('content-type'),Response.error().type,Response.error().status,[Response.redirect('http://a/b',301).status,Response.redirect('http://a/b').headers.get('location')],[99,199,600].map(s=>{try{new Response('',{status:s})}catch(e){return e.name}}),(()=>{try{new Response('x',{status:204})}catch(e){return e.name}})()])()",
  "JSON and blobs of a body":
    "await (async()=>[await new Response('{\"a\":1}').json(),await new Response('{').json().catch(e=>e.name),(await new Response('x',{headers:{'content-type':'a/b'}}).blob()).type])()",
  Request:
    "await (async()=>{const q=new Request('http://a/b c',{method:'post',body:'x',headers:{A:'b'}});const c=q.clone();const r=new Request(q,{method:'PUT'});return [q.url,q.method,[...q.headers],q.bodyUsed,r.method,await r.text(),await c.text(),q.cache,q.redirect,q.credentials,q.mode,q.signal.aborted,['GET','TRACE','a b'].map(m=>{try{return new Request('http://a',{method:m,body:'x'}).method}catch(e){return e.name}}),(()=>{try{new Request('nope')}catch(e){return e.name}})()]})()",
  "forms in a body":
    "await (async()=>{const f=new FormData();f.append('a','1\\n2');f.append('\"q\"',new File(['fé'],'n\"m.txt',{type:'text/x'}));f.append('b',new Blob(['z']),'given');f.set('a','é');const back=await new Response(f).formData();return [[...back.keys()],back.get('a'),await back.get('\"q\"').text(),back.get('\"q\"').name,back.get('\"q\"').type,back.get('b').name,[...(await new Response(new URLSearchParams('x=1&y=+')).formData())]]})()",
  FormData:
    "(()=>{const f=new FormData();f.append('a',1);f.append('a','2');f.append('b','3');f.set('a','4');f.delete('b');return [[...f],f.getAll('a'),f.get('z'),f.has('a')]})()",
  "blobs and files":
    "await (async()=>{const b=new Blob(['aé',new Uint8Array([0,98]),new Blob(['c'])],{type:'TEXT/Plain'});const f=new File(['x'],'n',{lastModified:5});return [b.size,b.type,[...new Uint8Array(await b.arrayBuffer())],await b.slice(-2).text(),await b.slice(1,3,'q/r').text(),b.slice(0,1,'q/r').type,f.name,f.lastModified,f.size,f instanceof Blob,String(b),String(f)]})()",
  events:
    "(()=>{const t=new EventTarget(),seen=[];const l=e=>seen.push([e.type,e.target===t,e.currentTarget===t,e.eventPhase]);t.addEventListener('x',l);t.addEventListener('x',l);t.addEventListener('x',{handleEvent(e){seen.push('object');e.preventDefault();e.stopImmediatePropagation()}},{once:true});t.addEventListener('x',()=>seen.push('last'));const e=new Event('x',{cancelable:true});const r=[t.dispatchEvent(e),e.defaultPrevented,e.eventPhase,t.dispatchEvent(new Event('x'))];t.removeEventListener('x',l);t.dispatchEvent(new CustomEvent('x',{detail:7}));return [r,seen,new CustomEvent('y',{detail:[1]}).detail,new CustomEvent('y').detail,String(e)]})()",
  aborting:
    "(()=>{const c=new AbortController(),seen=[];c.signal.onabort=e=>seen.push(e.type);c.signal.addEventListener('abort',()=>seen.push('listener'),{once:true});const any=AbortSignal.any([c.signal,new AbortController().signal]);any.addEventListener('abort',()=>seen.push('any'));c.abort();c.abort('again');const s=AbortSignal.abort();return [seen,c.signal.reason.name,c.signal.reason.code,any.reason===c.signal.reason,s.aborted,s.reason instanceof DOMException,AbortSignal.abort(5).reason,AbortSignal.any([s]).aborted,(()=>{try{s.throwIfAborted()}catch(e){return e.name}})(),(()=>{try{new AbortSignal()}catch(e){return e.name}})()]})()",
  "listeners that a signal removes":
    "(()=>{const c=new AbortController(),t=new EventTarget(),seen=[];t.addEventListener('x',()=>seen.push(1),{signal:c.signal});t.dispatchEvent(new Event('x'));c.abort();t.dispatchEvent(new Event('x'));return seen})()",
  DOMException:
    "[new DOMException('m','AbortError'),new DOMException('m'),new DOMException(),new DOMException('m','Own'),new DOMException('m',{name:'DataCloneError',cause:1})].map(e=>[e.name,e.message,e.code,e.cause,e instanceof Error,String(e),Object.prototype.toString.call(e),DOMException.ABORT_ERR,e.TIMEOUT_ERR])",
  "streams piped through":
    "await (async()=>{const o=[];const s=new ReadableStream({start(c){for(const x of ['a','é','\\ud83d','\\ude00'])c.enqueue(x);c.close()}}).pipeThrough(new TextEncoderStream()).pipeThrough(new TransformStream({transform(x,c){c.enqueue(x.map(b=>b));}})).pipeThrough(new TextDecoderStream());for await(const x of s)o.push(x);return o.join('|').replaceAll('|','')})()",
  "streams read, cancelled and teed":
    "await (async()=>{const log=[];const s=new ReadableStream({pull(c){log.push('pull');c.enqueue(log.length)},cancel(r){log.push(r)}},{highWaterMark:0});const[a,b]=s.tee();const r=a.getReader();const one=await r.read();r.releaseLock();const[x,y]=[a.cancel('ra'),b.cancel('rb')];await Promise.all([x,y]);return [one,s.locked,log,await new Response(new ReadableStream({start(c){c.enqueue(new TextEncoder().encode('st'));c.close()}})).text()]})()",
  "writing to a stream":
    "await (async()=>{const got=[];const w=new WritableStream({write(x){got.push(x)},close(){got.push('closed')}}).getWriter();await w.write(1);await w.write(2);await w.close();const bad=new WritableStream({write(){throw new RangeError('no')}}).getWriter();return [got,await bad.write(1).catch(e=>e.name),await bad.closed.catch(e=>e.name)]})()",
  "byte streams":
    "await (async()=>{const s=new ReadableStream({type:'bytes',start(c){c.enqueue(new Uint8Array([1,2,3]));c.close()}});const r=s.getReader({mode:'byob'});const{value,done}=await r.read(new Uint8Array(2));return [[...value],done]})()",
  structuredClone:
    "(()=>{const a={d:new Date(3),r:/x/gi,m:new Map([[{k:1},new Set([1n])]]),b:new Uint8Array([1,2,3]).subarray(1),n:Object(5),e:Object.assign(new RangeError('r',{cause:new TypeError('c')}),{extra:1}),h:[1,,3],o:Object.create({up:1},{own:{value:2,enumerable:true},hid:{value:3}}),i:new (class A{x=1;get y(){return 2}})};a.self=a;const c=structuredClone(a);return [c.self===c,c.d.getTime(),String(c.r),[...c.m.keys()][0].k,[...c.b],c.b.buffer.byteLength,c.n+1,c.e.name,c.e.message,c.e.cause.name,'extra' in c.e,c.e instanceof RangeError,1 in c.h,Object.keys(c.o),c.i.constructor===Object,Object.keys(c.i)]})()",
  "what structuredClone refuses":
    "[()=>1,Symbol('s'),new WeakMap(),Promise.resolve(),(function*(){})(),Object(Symbol('x'))].map(v=>{try{structuredClone({v});return 'ok'}catch(e){return [e.name,e.code,e instanceof DOMException]}})",
  Buffer:
    "[Buffer.from('aGk=','base64').toString(),Buffer.from('hé').toString('hex'),Buffer.concat([Buffer.from('a'),Buffer.alloc(2,'z')]).toString('latin1'),Buffer.from([1,2]).equals(Buffer.from('0102','hex')),Buffer.byteLength('€'),Buffer.isBuffer(new Uint8Array()),Buffer.from('abc').readUInt16BE(1),Buffer.from('a').toJSON(),Buffer.compare(Buffer.from('a'),Buffer.from('b')),Buffer.from('abc').subarray(1) instanceof Uint8Array]",
  base64:
    "[btoa('\\xff\\0a'),atob(' YQ = = '.replaceAll(' =','=')),['a','a===','é'].map(t=>{try{return atob(t)}catch(e){return [e.name,e.code]}}),(()=>{try{btoa('€')}catch(e){return e.name}})()]",
  "names and tags of classes":
    "[URL,URLSearchParams,Headers,Request,Response,Blob,File,FormData,Event,EventTarget,CustomEvent,AbortController,AbortSignal,DOMException,TextEncoder,TextDecoder,ReadableStream,WritableStream,TransformStream].map(c=>[c.name,c.prototype[Symbol.toStringTag]])",
};

test.each(Object.entries(uses))("%s: as in Node", async (name, expression) => {
  await useWorld();
  const text = `async()=>{const print=${printValue.toString()};return print(${expression})}`;
  // oxlint-disable-next-line no-new-func -- the same text for both
  const expected = await (new Function(`"use strict";return (${text})()`) as () => Promise<string>)();
  const run = await start(workflowOf(`web#${name}`, text), []);
  expect(await run.returnValue).toBe(expected);
});

test("windows-1252 and its aliases are decoded as the standard says, which not every Node does", async () => {
  await useWorld();
  const body = "async()=>['latin1','ascii','windows-1252'].map(label=>new TextDecoder(label).decode(new Uint8Array([0x80,0x9f,0xe9])))";
  expect(await (await start(workflowOf("web#latin1", body), [])).returnValue).toEqual(["€Ÿé", "€Ÿé", "€Ÿé"]);
});

test("AbortSignal.timeout is a durable timer", async () => {
  await useWorld();
  const body = `async()=>{const signal=AbortSignal.timeout(30);const from=Date.now();await new Promise(r=>signal.addEventListener('abort',r));
    return [signal.reason.name,signal.reason.code,Date.now()-from>=30]}`;
  expect(await (await start(workflowOf("web#timeout", body), [])).returnValue).toEqual(["TimeoutError", 23, true]);
});

test("the classes are made once per realm, whoever reads one first, and a run that is stopped meanwhile leaves them whole", async () => {
  await useWorld({ watchdogMs: 200 });
  const stuck = await start(workflowOf("web#stuck", "async()=>{for(;;)new URL('http://a/').searchParams.append('a','b')}"), []);
  await expect(stuck.returnValue).rejects.toMatchObject({ cause: { code: "WATCHDOG_TIMEOUT" } });
  const body = "async()=>[new URL('/x','http://a').href,await new Response('ok').text(),Object.isFrozen(URL.prototype)]";
  expect(await (await start(workflowOf("web#after", body), [])).returnValue).toEqual(["http://a/x", "ok", true]);
});
