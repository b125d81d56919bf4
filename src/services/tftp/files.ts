/** What the TFTP server needs from the rest: files to send, and somebody who wants to know how it went. */

/** Who asks. */
export interface TftpClient {
  readonly address: string;
  readonly port: number;
}

/** A file opened for one transfer. Its size is fixed here, whatever happens to the file afterwards (T-25). */
export interface TftpFile {
  readonly size: number;
  /**
   * Up to `length` bytes from `offset`; fewer only at the end of the file. Answers at once when the bytes are in
   * memory. The bytes stay valid until {@link close} and must not be changed.
   */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  close(): void;
}

/** `denied` is a directory, a forbidden path or a missing permission. */
export type TftpOpened =
  | { readonly kind: "file"; readonly file: TftpFile }
  | { readonly kind: "not-found" }
  | { readonly kind: "denied"; readonly reason: string };

/** The seam between the TFTP server and everything it serves. */
export interface TftpFiles {
  /** Opens a normalised path (`arm64/snponly.efi`, never leading outside) for a client. */
  open(path: string, client: TftpClient): Promise<TftpOpened>;
}

/** How a request ended. */
export interface TftpTransferStats {
  readonly client: TftpClient;
  readonly path: string;
  /**
   * `aborted` is the client's ERROR, often EDK2 asking only for the size; `unconfirmed` was sent to the end but the last ACK
   * never came; `refused` got an ERROR from us.
   */
  readonly outcome: "complete" | "unconfirmed" | "aborted" | "abandoned" | "refused" | "failed";
  readonly size: number;
  /** Bytes the client has acknowledged. */
  readonly bytes: number;
  /** Datagrams sent. */
  readonly packets: number;
  readonly retransmissions: number;
  readonly blksize: number;
  readonly windowsize: number;
  /** Milliseconds from the request to the end. */
  readonly duration: number;
  /** Code and text of the ERROR that was sent or received. */
  readonly error?: { readonly code: number; readonly message: string };
}
