// "Listen for a test event": for ten minutes the draft's webhook answers under its test address, and runs the draft.

import React, { useEffect, useState } from "react";
import { Button } from "@radix-ui/themes";
import { Radio } from "lucide-react";
import { CopyButton } from "./json_view.jsx";
import { useRun } from "./status.js";
import { useEditor, useStore } from "./store.js";

/** Seconds until `moment`, counted down while it is shown; 0 once it has passed. */
function useCountdown(moment) {
  const left = () => Math.max(0, Math.round((Date.parse(moment ?? 0) - Date.now()) / 1000));
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    setSeconds(left());
    if (!moment) return undefined;
    const timer = setInterval(() => setSeconds(left()), 1000);
    return () => clearInterval(timer);
  }, [moment]);
  return seconds;
}

/** `call` draws a call of an address, to copy. */
export function Listening({ call }) {
  const store = useEditor();
  const listening = useStore((state) => state.listening);
  const busy = useStore((state) => state.busy === "listen");
  const run = useRun();
  const seconds = useCountdown(listening?.expires_at);
  // A run that came by the test address: what was listened for is here.
  useEffect(() => {
    if (listening && run?.execution_id && run.execution_id !== listening.before) store.set({ listening: null });
  }, [listening, run?.execution_id, store]);
  if (!listening || seconds === 0) {
    return (
      <Button variant="soft" size="1" disabled={busy} onClick={() => store.listen()} data-testid="listen"><Radio size={14} /> Listen for a test event</Button>
    );
  }
  return (
    <div className="ed-listening" role="status" data-testid="listening">
      <p className="ed-waiting-head"><Radio size={14} aria-hidden="true" /> Listening for {Math.floor(seconds / 60)}:{String(seconds % 60).padStart(2, "0")} – call this address once:</p>
      <div className="ed-webhook-line"><code data-testid="test-url">{listening.test_url}</code><CopyButton text={() => listening.test_url} label="Copy the test address" /></div>
      {call(listening.test_url)}
    </div>
  );
}
