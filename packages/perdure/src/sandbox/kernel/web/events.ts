/** Where `dispatchEvent` keeps what only it may change. */
interface Dispatch {
  target: EventTarget | null;
  phase: number;
  stopped: boolean;
  stoppedAtOnce: boolean;
  passive: boolean;
  prevented: boolean;
  active: boolean;
}

let dispatchOf!: (event: Event) => Dispatch;

/** `Event` of the DOM standard, without a tree: a target has no parents. */
export class Event {
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly timeStamp = performance.now();
  readonly isTrusted = false;
  readonly #dispatch: Dispatch = {
    target: null,
    phase: 0,
    stopped: false,
    stoppedAtOnce: false,
    passive: false,
    prevented: false,
    active: false,
  };

  static {
    dispatchOf = (event) => event.#dispatch;
    for (const [value, name] of ["NONE", "CAPTURING_PHASE", "AT_TARGET", "BUBBLING_PHASE"].entries()) {
      Object.defineProperty(Event, name, { value, enumerable: true });
      Object.defineProperty(Event.prototype, name, { value, enumerable: true });
    }
  }

  constructor(type: string, init: { readonly bubbles?: boolean; readonly cancelable?: boolean; readonly composed?: boolean } = {}) {
    if (arguments.length === 0) throw new TypeError("An Event needs a type.");
    this.type = String(type);
    this.bubbles = Boolean(init?.bubbles);
    this.cancelable = Boolean(init?.cancelable);
    this.composed = Boolean(init?.composed);
  }

  get target(): EventTarget | null {
    return this.#dispatch.target;
  }

  get srcElement(): EventTarget | null {
    return this.#dispatch.target;
  }

  get currentTarget(): EventTarget | null {
    return this.#dispatch.active ? this.#dispatch.target : null;
  }

  get eventPhase(): number {
    return this.#dispatch.phase;
  }

  get defaultPrevented(): boolean {
    return this.#dispatch.prevented;
  }

  get returnValue(): boolean {
    return !this.#dispatch.prevented;
  }

  get cancelBubble(): boolean {
    return this.#dispatch.stopped;
  }

  set cancelBubble(stop: boolean) {
    if (stop) this.#dispatch.stopped = true;
  }

  composedPath(): EventTarget[] {
    return this.currentTarget ? [this.currentTarget] : [];
  }

  preventDefault(): void {
    if (this.cancelable && !this.#dispatch.passive) this.#dispatch.prevented = true;
  }

  stopPropagation(): void {
    this.#dispatch.stopped = true;
  }

  stopImmediatePropagation(): void {
    this.#dispatch.stopped = true;
    this.#dispatch.stoppedAtOnce = true;
  }
}
Object.defineProperty(Event.prototype, Symbol.toStringTag, { value: "Event", configurable: true });

/** `CustomEvent` of the DOM standard. */
export class CustomEvent extends Event {
  readonly detail: unknown;

  constructor(type: string, init: ConstructorParameters<typeof Event>[1] & { readonly detail?: unknown } = {}) {
    super(type, init);
    this.detail = init?.detail ?? null;
  }
}
Object.defineProperty(CustomEvent.prototype, Symbol.toStringTag, { value: "CustomEvent", configurable: true });

/** What `addEventListener` takes. */
export type Listener = ((this: EventTarget, event: Event) => unknown) | { handleEvent(event: Event): unknown };

interface ListenerOptions {
  readonly capture?: boolean;
  readonly once?: boolean;
  readonly passive?: boolean;
  readonly signal?: EventTarget & { readonly aborted: boolean };
}

interface Registered {
  readonly type: string;
  readonly listener: Listener;
  readonly capture: boolean;
  readonly once: boolean;
  readonly passive: boolean;
  removed: boolean;
}

/** `EventTarget` of the DOM standard. What a listener throws is lost to nobody: it rejects a promise that nobody handles, as in Node it would end the process. */
export class EventTarget {
  #listeners: Registered[] = [];

  addEventListener(type: string, listener: Listener | null, options: boolean | ListenerOptions = {}): void {
    const {
      capture = false,
      once = false,
      passive = false,
      signal,
    } = typeof options === "boolean" ? { capture: options } : (options ?? {});
    if (listener === null || listener === undefined || signal?.aborted) return;
    if (this.#find(type, listener, capture)) return;
    this.#listeners.push({ type: String(type), listener, capture, once, passive, removed: false });
    signal?.addEventListener("abort", () => this.removeEventListener(type, listener, capture), { once: true });
  }

  removeEventListener(type: string, listener: Listener | null, options: boolean | ListenerOptions = {}): void {
    const capture = typeof options === "boolean" ? options : Boolean(options?.capture);
    const found = listener && this.#find(type, listener, capture);
    if (found) this.#remove(found);
  }

  #find(type: string, listener: Listener, capture: boolean): Registered | undefined {
    return this.#listeners.find((known) => known.type === String(type) && known.listener === listener && known.capture === capture);
  }

  #remove(registered: Registered): void {
    registered.removed = true;
    this.#listeners = this.#listeners.filter((known) => known !== registered);
  }

  /** Returns false if a listener prevented the default. */
  dispatchEvent(event: Event): boolean {
    const dispatch = dispatchOf(event);
    if (dispatch.active) throw new DOMException("The event is already being dispatched.", "InvalidStateError");
    Object.assign(dispatch, { target: this, active: true, phase: 2 });
    for (const registered of this.#listeners.slice()) {
      if (registered.type !== event.type || registered.removed) continue;
      if (registered.once) this.#remove(registered);
      dispatch.passive = registered.passive;
      this.#call(registered.listener, event);
      dispatch.passive = false;
      if (dispatch.stoppedAtOnce) break;
    }
    Object.assign(dispatch, { active: false, phase: 0, stopped: false, stoppedAtOnce: false });
    return !dispatch.prevented;
  }

  #call(listener: Listener, event: Event): void {
    try {
      if (typeof listener === "function") listener.call(this, event);
      else listener.handleEvent(event);
    } catch (error) {
      void Promise.reject(error as Error);
    }
  }
}
Object.defineProperty(EventTarget.prototype, Symbol.toStringTag, { value: "EventTarget", configurable: true });

/** Gives a class an attribute like `onabort`: a listener that can be replaced, in the place where it was first set. */
export function defineHandler(prototype: EventTarget, type: string): void {
  const handlers = new WeakMap<EventTarget, { current: Listener | null }>();
  Object.defineProperty(prototype, `on${type}`, {
    configurable: true,
    enumerable: true,
    get(this: EventTarget) {
      return handlers.get(this)?.current ?? null;
    },
    set(this: EventTarget, listener: unknown) {
      const current = typeof listener === "function" ? (listener as Listener) : null;
      const known = handlers.get(this);
      if (known) known.current = current;
      else {
        const handler = { current };
        handlers.set(this, handler);
        this.addEventListener(type, (event) => typeof handler.current === "function" && handler.current.call(this, event));
      }
    },
  });
}
