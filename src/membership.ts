import type { Joined } from './guest.ts'
import { Caller } from './link/caller.ts'
import type { Channel } from './link/channel.ts'
import { connectToOwner } from './link/connect.ts'
import type { Message } from './link/frame.ts'

/** A link to an owner who has taken this process in. */
export class Membership {
  readonly channel: Channel
  readonly caller: Caller
  readonly joined: Joined
  /** Hands on what the owner said since it answered, and whatever it says. What that throws cuts the link. */
  readonly listen: (take: (message: Message) => void) => void

  private constructor(channel: Channel, caller: Caller, joined: Joined, listen: Membership['listen']) {
    this.channel = channel
    this.caller = caller
    this.joined = joined
    this.listen = listen
  }

  /** Joins the owner of a directory; undefined where nobody is there who lets others in. */
  static async join(dir: string, producer: string): Promise<Membership | undefined> {
    const channel = await connectToOwner(dir)
    if (channel === undefined) return undefined
    const caller = new Caller(channel)
    const inbox: Message[] = []
    let take: (message: Message) => void = message => inbox.push(message)
    channel.onMessage(message => {
      if (!caller.take(message)) take(message)
    })
    try {
      const joined = (await caller.call('join', [producer])) as Joined
      channel.unref()
      return new Membership(channel, caller, joined, next => {
        for (const message of inbox.splice(0)) next(message)
        take = next
      })
    } catch (error) {
      channel.cut()
      throw error
    }
  }
}
