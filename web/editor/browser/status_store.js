// How each node is doing in the run that is shown. Kept apart from the graph: a status that changes draws one card again.

export class StatusStore {
  constructor() {
    this.byKey = new Map();
    this.listeners = new Map();
    this.run = null;
    this.runListeners = new Set();
    this.seen = 0;
    this.dismissed = null; // a run that somebody has cleared away
    this.hidden = false;
  }

  get = (key) => this.byKey.get(key);

  subscribe(key, listener) {
    if (!this.listeners.has(key)) this.listeners.set(key, new Set());
    this.listeners.get(key).add(listener);
    return () => this.listeners.get(key)?.delete(listener);
  }

  subscribeRun = (listener) => {
    this.runListeners.add(listener);
    return () => this.runListeners.delete(listener);
  };

  /** Takes `{events: [{seq, execution_id, status, error, reset, nodes}]}` in; events seen before are passed over. */
  receive(live) {
    for (const event of live?.events ?? []) {
      if (event.seq <= this.seen) continue;
      this.seen = event.seq;
      if (event.reset) {
        this.clear();
        this.hidden = Boolean(this.dismissed) && event.run.execution_id === this.dismissed;
      }
      if (this.hidden) continue;
      this.run = { ...(event.reset ? {} : this.run), ...event.run };
      for (const [key, status] of Object.entries(event.nodes ?? {})) {
        this.byKey.set(key, status);
        this.listeners.get(key)?.forEach((listener) => listener());
      }
      this.runListeners.forEach((listener) => listener());
    }
  }

  /** Shows the run with this id no longer, whatever is heard of it; null: none is kept away. */
  dismiss(id) {
    this.dismissed = id;
    this.hidden = Boolean(id) && this.run?.execution_id === id;
    if (this.hidden) this.clear();
  }

  clear() {
    this.byKey.clear();
    this.run = null;
    this.listeners.forEach((listeners) => listeners.forEach((listener) => listener()));
    this.runListeners.forEach((listener) => listener());
  }
}
