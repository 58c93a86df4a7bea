import { apply } from '../state/apply.ts'
import type { Change, Changes } from '../state/changes.ts'
import { child, parsePointer } from '../state/pointer.ts'
import { equal, isArray, isObject, kindOf, own, type Plain } from '../state/values.ts'

/** Who set a part of the state; what lies in it and has no node of its own was set with it. */
interface Node<Mark> {
  readonly mark: Mark
  members: Map<string, Node<Mark>> | undefined
  elements: (Node<Mark> | undefined)[] | undefined
}

/**
 * A tree beside a state that says of each part which event set it last. An element keeps its node where others
 * come or go in front of it, and a part that an event wrote again as it was keeps the one that it had.
 */
export class BlameTree<Mark> {
  #state: unknown
  #root: Node<Mark>

  constructor(state: unknown, mark: Mark) {
    this.#state = state
    this.#root = leaf(mark)
  }

  /** Takes the changes of the next event in. */
  change(changes: Changes, mark: Mark): void {
    for (const change of changes) {
      const after = apply([change], this.#state)
      this.#root = this.#changed(this.#root, parsePointer(change.path)!, 0, change, this.#state, after, mark)
      this.#state = after
    }
  }

  /** Of each leaf of the state, by its JSON Pointer, which event set it last. Empty containers are leaves. */
  *leaves(): IterableIterator<[pointer: string, mark: Mark]> {
    if (this.#state !== undefined) yield* leavesOf(this.#state, this.#root, '')
  }

  #changed(
    node: Node<Mark>,
    path: readonly string[],
    depth: number,
    change: Change,
    before: unknown,
    after: unknown,
    mark: Mark,
  ): Node<Mark> {
    if (depth === path.length) return this.#set(node, change, before, after, mark)
    const key = path[depth]!
    const inner = (value: unknown) => own(value as Plain, key)
    const isLast = depth === path.length - 1
    if (isLast && change.op === 'remove') {
      node.members?.delete(key)
      // Who takes the last one away has set the empty container.
      if (Object.keys(after as Plain).length === 0) return leaf(mark)
    } else {
      const next =
        isLast && change.op === 'add'
          ? leaf(mark)
          : this.#changed(memberOf(node, key), path, depth + 1, change, inner(before), inner(after), mark)
      if (isArray(after)) elementsOf(node)[Number(key)] = next
      else membersOf(node).set(key, next)
    }
    return node
  }

  #set(node: Node<Mark>, change: Change, before: unknown, after: unknown, mark: Mark): Node<Mark> {
    if (change.op !== 'splice') return carried(node, before, after, mark)
    if (typeof change.insert === 'string' || (after as readonly unknown[]).length === 0) return leaf(mark)
    const { index, remove, insert } = change
    const elements = elementsOf(node)
    // Where nothing is noted so far, `splice` would cut short.
    if (elements.length < index + remove) elements.length = index + remove
    const old = before as readonly unknown[]
    const fresh = insert.map((value, at) =>
      at < remove ? carried(memberOf(node, String(index + at)), old[index + at], value, mark) : leaf(mark),
    )
    const behind = elements.splice(index).slice(remove)
    for (const each of fresh) elements.push(each)
    for (const each of behind) elements.push(each)
    return node
  }
}

/** What a value that was written anew keeps of the one before: the parts that are equal. */
function carried<Mark>(node: Node<Mark>, before: unknown, after: unknown, mark: Mark): Node<Mark> {
  if (before !== undefined && equal(before, after)) return node
  const next = leaf(mark)
  if (!isObject(before) || !isObject(after)) return next
  if (isArray(before) && isArray(after)) {
    next.elements = after.map((value, at) =>
      at < before.length ? carried(memberOf(node, String(at)), before[at], value, mark) : leaf(mark),
    )
  } else if (isPlain(before) && isPlain(after)) {
    next.members = new Map()
    for (const key of Object.keys(after)) {
      if (Object.hasOwn(before, key))
        next.members.set(key, carried(memberOf(node, key), before[key], after[key], mark))
    }
  }
  return next
}

function* leavesOf<Mark>(value: unknown, node: Node<Mark>, path: string): IterableIterator<[string, Mark]> {
  const keys = isObject(value) && (isArray(value) || isPlain(value)) ? Object.keys(value) : []
  if (keys.length === 0) yield [path, node.mark]
  for (const key of keys) yield* leavesOf((value as Plain)[key], memberOf(node, key), child(path, key))
}

function memberOf<Mark>(node: Node<Mark>, key: string): Node<Mark> {
  return node.members?.get(key) ?? node.elements?.[Number(key)] ?? leaf(node.mark)
}

function elementsOf<Mark>(node: Node<Mark>): (Node<Mark> | undefined)[] {
  node.elements ??= []
  return node.elements
}

function membersOf<Mark>(node: Node<Mark>): Map<string, Node<Mark>> {
  node.members ??= new Map()
  return node.members
}

function leaf<Mark>(mark: Mark): Node<Mark> {
  return { mark, members: undefined, elements: undefined }
}

function isPlain(value: object): value is Plain {
  const kind = kindOf(value)
  return kind === 'object' || kind === 'bare'
}
