// Every lucide icon: a chunk of its own, fetched only when a node names one that isn't bundled.

export { icons } from "lucide-react";
