/** The protocol's version: another major is refused, another minor is understood. docs/protocol.md. */
export const PROTOCOL = { MAJOR: 1, MINOR: 0 } as const

/** The first item of a message says what it is. Those of the greeting come first, and in this order. */
export const MESSAGE = {
  /** Owner: `[0, 'sessionlog', major, minor, nonce]`. */
  GREETING: 0,
  /** Follower: `[1, major, minor, nonce, proof]`. */
  PROOF: 1,
  /** Owner: `[2, proof]`: each has shown that it can read the store's key. */
  WELCOME: 2,
  /** Owner, in place of any of these: `[3, error]`, and hangs up. */
  REFUSAL: 3,

  /** Follower: `[10, id, method, arguments]`; ids count from 1. */
  CALL: 10,
  /** Owner: `[11, id, page]`: a part of the answer, or how far it has come. */
  PAGE: 11,
  /** Follower: `[12, id]`: one more page, please. */
  MORE: 12,
  /** Owner: `[13, id, value]`: the answer, or its end. */
  ANSWER: 13,
  /** Owner: `[14, id, error]`. */
  ERROR: 14,
  /** Follower: `[15, id]`: the answer isn't wanted any more. */
  CANCEL: 15,

  /** Follower: `[19, sequence, items]`: transactions of one event each, of consecutive numbers. */
  WRITES: 19,
  /** Follower: `[20, sequence, items, operations]`: one transaction, whose events have consecutive numbers. */
  WRITE: 20,
  /** Follower: `[21]`: what follows is made on what the owner answered. */
  RESUME: 21,
  /** Follower: `[22, sessionId, expiresAt]`. */
  TOUCH: 22,

  /** Owner: `[30, commit, records]`. */
  COMMIT: 30,
  /** Owner: `[31, sequence, outcome, detail]`: not written; it takes no more writes until RESUME. */
  HALT: 31,
  /** Owner: `[32, sessionId, expiresAt, version]`. */
  TOUCHED: 32,
  /** Owner: `[33, error]`: its disk failed, nothing will be written any more. */
  FAILED: 33,
} as const

/** Why a transaction was not written. */
export const OUTCOME = {
  /** Somebody else was first: make it again on what is there now. */
  BEHIND: 0,
  /** Refused: `detail` is the error. */
  REFUSED: 1,
  /** Needless: `detail` holds the receipts, `undefined` where nothing was there to delete. */
  ANSWERED: 2,
} as const
