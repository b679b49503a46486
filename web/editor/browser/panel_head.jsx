// The top of a side panel: its title or what stands for one, its actions, and the way out.

import React from "react";
import { X } from "lucide-react";

export function PanelHead({ title, children, onClose }) {
  return (
    <header className="ed-panel-head">
      {title && <h2>{title}</h2>}
      {children}
      <button className="ed-plain-icon" onClick={onClose} aria-label="Close the panel" title="Close (Esc)"><X size={16} /></button>
    </header>
  );
}
