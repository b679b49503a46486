// Where a webhook node listens, to copy: the address, and a call to try it with.

import React from "react";
import { Link2 } from "lucide-react";
import { CopyButton } from "./json_view.jsx";
import { Listening } from "./listening.jsx";
import { useStore } from "./store.js";

const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;

/** A curl call of the webhook, as POSIX shells read it. */
function curl(url, methods) {
  const method = methods.includes("POST") ? "POST" : methods[0] ?? "POST";
  if (["GET", "HEAD"].includes(method)) return `curl ${quoted(`${url}?name=Ada&score=91`)}`;
  return `curl -X ${method} ${quoted(url)} \\\n  -H 'Content-Type: application/json' \\\n  -d '{"name": "Ada", "score": 91}'`;
}

/** A call to try an address with, to copy. */
function Call({ url, methods }) {
  const text = curl(url, methods);
  return <div className="ed-webhook-line is-code"><pre>{text}</pre><CopyButton text={() => text} label="Copy the call" /></div>;
}

/** In the panel of a webhook node. */
export function WebhookAddress({ node }) {
  const doc = useStore((state) => state.doc);
  const live = doc.webhooks?.find((hook) => hook.node === node.key);
  const path = node.config.path;
  const url = path ? `${doc.public_url}/webhooks/${path}` : null;
  const note = !doc.published_version ? "It answers once the workflow is published and enabled."
    : !doc.enabled ? "The workflow is switched off: it answers once you enable it."
    : live && url && live.url !== url ? "The address changes with the next publish." : "It is live.";
  const methods = node.config.methods ?? ["POST"];
  const listening = <Listening call={(address) => <Call url={address} methods={methods} />} />;
  if (!url) return <><p className="ed-hint">Its address is made when the workflow is published.</p>{listening}</>;
  return (
    <div className="ed-webhook">
      <div className="ed-webhook-line"><code data-testid="node-webhook-url">{url}</code><CopyButton text={() => url} label="Copy the address" /></div>
      <p className="ed-hint">{note}</p>
      <Call url={url} methods={methods} />
      {listening}
    </div>
  );
}

/** In the top bar, once the workflow is published. */
export function WebhookChip() {
  const hooks = useStore((state) => state.doc?.webhooks);
  const enabled = useStore((state) => state.doc?.enabled);
  if (!hooks?.length) return null;
  return (
    <div className="ed-hook-chip" data-live={enabled || undefined} title={enabled ? hooks[0].url : `${hooks[0].url} – answers once the workflow is enabled`}>
      <Link2 size={14} aria-hidden="true" />
      <code data-testid="webhook-url">{hooks[0].url}</code>
      <CopyButton text={() => hooks[0].url} label="Copy the webhook's address" />
    </div>
  );
}
