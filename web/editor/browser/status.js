// The one store of statuses on a page, and how cards read it.

import { useCallback, useSyncExternalStore } from "react";
import { StatusStore } from "./status_store.js";

export const statuses = new StatusStore();

/** Whether a node failed, or items of it, and the run went on. */
export const passedOver = (status) => status?.status === "failed" || status?.failed_items > 0;

/** The status `{status, ms, items, failed_items, port, attempt}` of a node, or undefined. */
export const useStatus = (key) =>
  useSyncExternalStore(
    useCallback((listener) => statuses.subscribe(key, listener), [key]),
    () => statuses.get(key),
  );

/** The run that is shown: `{execution_id, status, error, started_at, finished_at}`, or null. */
export const useRun = () => useSyncExternalStore(statuses.subscribeRun, () => statuses.run);

/** The id of that run, or undefined: for cards, which needn't be drawn again whenever something is heard of it. */
export const useRunId = () => useSyncExternalStore(statuses.subscribeRun, () => statuses.run?.execution_id);
