/** Container images as the use cases see them: whole images of a platform, kept so that machines need no registry. */

/** One known image tag. */
export interface KeptImage {
  /** `registry.k8s.io/pause:3.10.2` */
  readonly image: string;
  readonly digest: string;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly checkedAt: number;
}

export interface ImagePull {
  /** As people write it. */
  readonly image: string;
  /** `linux/amd64` */
  readonly platform: string;
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface Images {
  /** Whether the image of this platform can be served without asking its registry. */
  complete(pull: Pick<ImagePull, "image" | "platform">): Promise<boolean>;
  /**
   * Brings the manifest and every blob of the platform here.
   * @throws NotFoundError for an image or platform that is not there; MusterError `bad-request`, `upstream-failed`,
   * `not-verified`, `unavailable`.
   */
  pull(pull: ImagePull): Promise<void>;
  /** Tags that have been asked for, by name. */
  list(): readonly KeptImage[];
  /** The digest that a tag stands for here, without asking anybody. */
  digestOf(image: string): string | undefined;
}
