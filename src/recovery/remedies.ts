/** Commands for a directory, as a shell takes them. */
export function onDirectory(dir: string) {
  const path = quoted(dir)
  const command = (text: string) => `sessionlog ${text} --dir ${path}`
  return {
    path,
    /** A new store of what can be believed. */
    rebuild: `${command('doctor')} --rebuild NEW [--backup BACKUP]`,
    compact: command('compact'),
    compactFully: command('compact --full'),
    verify: command('verify'),
    remove: (file: string) => `rm ${quoted(file)}`,
  }
}

function quoted(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
