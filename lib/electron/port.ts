/** One face for the ports there are: the web's and Node's MessagePort, and Electron's MessagePortMain. */

/** A port of any of these kinds. */
export interface AnyMessagePort {
  /** Sends; the message is cloned. */
  postMessage(message: unknown): void;
  /** Lets messages come that were held back until now. */
  start?(): void;
  /** Ends the connection. */
  close?(): void;
  /** Electron's and Node's. */
  on?(event: "message" | "close", listener: (event: unknown) => void): unknown;
  /** The web's. */
  addEventListener?(event: "message" | "close", listener: (event: unknown) => void): void;
}

/** Calls `onMessage` with what arrives, and `onClose` when the other side is gone, where the port tells. */
export function listen(
  port: AnyMessagePort,
  onMessage: (message: unknown) => void,
  onClose: () => void,
): void {
  // Node gives the message itself, the others an event that holds it.
  const message = (event: unknown): void => onMessage(dataOf(event));
  if (port.addEventListener !== undefined) {
    port.addEventListener("message", message);
    port.addEventListener("close", onClose);
  } else {
    port.on?.("message", message);
    port.on?.("close", onClose);
  }
  port.start?.();
}

function dataOf(event: unknown): unknown {
  const isEvent = typeof event === "object" && event !== null && "data" in event;
  return isEvent ? (event as { data: unknown }).data : event;
}
