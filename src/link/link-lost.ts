/**
 * The other end of a link has gone. Not for callers: whoever asks over a link waits for the next owner and asks again,
 * or turns it into an error that says what that means.
 */
export class LinkLost extends Error {
  override readonly name = 'LinkLost'

  constructor(cause?: unknown) {
    super('The process that holds the store has let go of the link', { cause })
  }
}

export function isLinkLost(error: unknown): error is LinkLost {
  return error instanceof LinkLost
}
