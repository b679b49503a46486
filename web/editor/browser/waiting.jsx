// What a waiting step waits for, and how somebody can answer it.

import React from "react";
import { Button } from "@radix-ui/themes";
import { Clock, ExternalLink } from "lucide-react";
import { CopyButton } from "./json_view.jsx";
import { waitText } from "./summary.js";

/** `wait` is what the backend says of a waiting step; addresses are in it only for those who may answer. */
export function Waiting({ step }) {
  const wait = step.wait && typeof step.wait === "object" ? step.wait : {};
  const decide = wait.approve_url ?? wait.reject_url;
  const due = step.due_at ?? wait.until;
  return (
    <div className="ed-waiting" data-testid="step-waiting">
      <p className="ed-waiting-head"><Clock size={14} aria-hidden="true" /> <time dateTime={due} title={due && new Date(due).toLocaleString()}>{waitText({ attempt: step.attempt, wait: { due, reason: wait.reason, answer: step.waits_for } })}</time></p>
      {decide && (
        <Button asChild variant="soft" size="1"><a href={decide.split("?")[0]} target="_blank" rel="noreferrer" data-testid="step-decide"><ExternalLink size={13} /> Decide</a></Button>
      )}
      {wait.resume_url && (
        <>
          <p className="ed-hint">It goes on once this address is called:</p>
          <div className="ed-webhook-line"><code data-testid="step-resume-url">{wait.resume_url}</code><CopyButton text={() => wait.resume_url} label="Copy the address" /></div>
        </>
      )}
    </div>
  );
}
