/** One descriptor and one read-ahead cache for everybody who fetches the same file at the same time. */
import { close, read } from "node:fs";

/** Bytes read at once: about forty blocks on Ethernet. */
const CHUNK = 64 * 1024;
/** Chunks kept for each reader: the one it is in and the next. */
const CHUNKS_PER_READER = 2;

/** A file on disk, read in chunks that its readers share. */
export class SharedFile {
  readonly size: number;
  /** Device, inode, size and change time: a file replaced meanwhile is another one. */
  readonly identity: string;
  readonly #fd: number;
  readonly #unused: () => void;
  readonly #chunks = new Map<number, Buffer | Promise<Buffer>>();
  #readers = 0;
  #reading = 0;
  #closed = false;

  constructor(options: { fd: number; size: number; identity: string; unused: () => void }) {
    this.#fd = options.fd;
    this.size = options.size;
    this.identity = options.identity;
    this.#unused = options.unused;
  }

  retain(): void {
    this.#readers += 1;
  }

  /** Gives the descriptor back when nobody reads any more. */
  release(): void {
    this.#readers -= 1;
    if (this.#readers === 0) this.#unused();
    this.#closeWhenIdle();
  }

  /** The chunk with that number, at once when it is in memory; the following one is fetched meanwhile. */
  chunk(index: number): Buffer | Promise<Buffer> {
    const wanted = this.#load(index);
    if ((index + 1) * CHUNK < this.size) void this.#load(index + 1);
    return wanted;
  }

  #load(index: number): Buffer | Promise<Buffer> {
    const known = this.#chunks.get(index);
    if (known) return known;
    const pending = this.#read(index * CHUNK).then(
      (bytes) => {
        if (this.#chunks.has(index)) this.#chunks.set(index, bytes);
        return bytes;
      },
      () => {
        this.#chunks.delete(index);
        return Buffer.alloc(0);
      },
    );
    this.#chunks.set(index, pending);
    this.#forgetOldest();
    return pending;
  }

  #forgetOldest(): void {
    const kept = CHUNKS_PER_READER * (this.#readers + 1);
    for (const index of this.#chunks.keys()) {
      if (this.#chunks.size <= kept) return;
      this.#chunks.delete(index);
    }
  }

  #read(position: number): Promise<Buffer> {
    if (this.#closed) return Promise.resolve(Buffer.alloc(0));
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, this.size - position));
    this.#reading += 1;
    return new Promise((resolve, reject) => {
      read(this.#fd, buffer, 0, buffer.length, position, (error, length) => {
        this.#reading -= 1;
        this.#closeWhenIdle();
        if (error) reject(error);
        else resolve(buffer.subarray(0, length));
      });
    });
  }

  #closeWhenIdle(): void {
    if (this.#readers > 0 || this.#reading > 0 || this.#closed) return;
    this.#closed = true;
    this.#chunks.clear();
    close(this.#fd, () => undefined);
  }
}

/** One reader of a shared file; it holds its own chunk, so that others cannot push it out of memory. */
export class SharedFileReader {
  readonly size: number;
  readonly #shared: SharedFile;
  #held: Buffer | undefined;
  #heldIndex = -1;
  #closed = false;

  constructor(shared: SharedFile) {
    this.#shared = shared;
    this.size = shared.size;
    shared.retain();
  }

  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    const end = Math.min(offset + length, this.size);
    if (end <= offset) return new Uint8Array(0);
    const index = Math.floor(offset / CHUNK);
    const last = Math.floor((end - 1) / CHUNK);
    const base = index * CHUNK;
    const chunk = this.#chunk(index);
    if (index === last) {
      if (!(chunk instanceof Promise)) return chunk.subarray(offset - base, end - base);
      return chunk.then((bytes) => bytes.subarray(offset - base, end - base));
    }
    return this.#across(offset, end);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = undefined;
    this.#shared.release();
  }

  #chunk(index: number): Buffer | Promise<Buffer> {
    if (index === this.#heldIndex && this.#held) return this.#held;
    const chunk = this.#shared.chunk(index);
    if (!(chunk instanceof Promise)) return this.#hold(index, chunk);
    return chunk.then((bytes) => this.#hold(index, bytes));
  }

  #hold(index: number, chunk: Buffer): Buffer {
    this.#heldIndex = index;
    this.#held = chunk;
    return chunk;
  }

  async #across(offset: number, end: number): Promise<Uint8Array> {
    const parts: Buffer[] = [];
    for (let index = Math.floor(offset / CHUNK); index * CHUNK < end; index++) {
      const chunk = await this.#chunk(index);
      parts.push(chunk.subarray(Math.max(offset - index * CHUNK, 0), end - index * CHUNK));
    }
    return Buffer.concat(parts);
  }
}
