// A button whose window shows another site's page. The window is opened while the click is still warm, or browsers block it; its
// address comes from the server a moment later.
import { useEffect, useRef } from "react";
import { Button } from "@radix-ui/themes";

const SHAPE = "popup,width=560,height=720";

export function PopupButton({ url, origin, source, label, waiting, onAsk, onBlocked, onTold, onLook, ...rest }) {
  const popup = useRef(null);
  const asked = useRef(false);

  const ask = () => {
    popup.current = window.open("", "trestle-popup", SHAPE);
    asked.current = true;
    onAsk?.();
  };

  // The address came: to the window, or, where there is none, to a link that the page shows.
  useEffect(() => {
    if (!url || !asked.current) return;
    asked.current = false;
    if (popup.current && !popup.current.closed) popup.current.location.href = url;
    else onBlocked?.();
  }, [url]);

  // No address: there is nothing to show in the window.
  useEffect(() => {
    if (waiting || url || !popup.current) return;
    popup.current.close();
    popup.current = null;
  }, [waiting, url]);

  // The window says what came of it. Some sites cut the tie to their opener: then the page looks again when it is come back to.
  useEffect(() => {
    const heard = (event) => {
      if (event.origin !== origin || event.data?.source !== source) return;
      popup.current = null;
      onTold?.(event.data.ok ? "yes" : "no", String(event.data.message || ""));
    };
    const back = () => { if (url) onLook?.(); };
    window.addEventListener("message", heard);
    window.addEventListener("focus", back);
    return () => {
      window.removeEventListener("message", heard);
      window.removeEventListener("focus", back);
    };
  }, [origin, source, url]);

  return <Button type="button" {...rest} loading={waiting} onClick={ask}>{label}</Button>;
}
