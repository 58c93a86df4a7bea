"""The seed's design, for the bench: a dict, and threads that json.dump each save to data/sessions_v3/<id>.json.

Modes: queue (the seed's fix: one queue, one writer thread), pool (four writer threads, a lock a session),
lock (four writer threads, a lock file a session), debounce (one writer, the last state of each 50 ms only).
Reads "N" lines on standard input, saves N times over the sessions un-awaited, and answers, once all is on the
disk, with the number of files it wrote.
"""

import json
import os
import queue
import sys
import threading
import time

MODE, DIRECTORY, STATES = sys.argv[1], sys.argv[2], sys.argv[3]
DEBOUNCE_SECONDS = 0.05


class SessionManager:
    def __init__(self):
        self.cache = {}
        self.tasks = queue.Queue()
        self.written = 0
        self.locks = {}
        self.guard = threading.Lock()
        os.makedirs(DIRECTORY, exist_ok=True)
        writer = {"queue": self.run, "pool": self.run, "lock": self.run, "debounce": self.run_debounced}[MODE]
        for _ in range(4 if MODE in ("pool", "lock") else 1):
            threading.Thread(target=writer, daemon=True).start()

    def save(self, session_id, state):
        """Visible at once; written first in, first out."""
        self.cache[session_id] = state
        self.tasks.put((session_id, state))

    def run(self):
        while True:
            session_id, state = self.tasks.get()
            if MODE == "pool":
                with self.lock_of(session_id):
                    self.write(session_id, state)
            elif MODE == "lock":
                self.write_under_lock_file(session_id, state)
            else:
                self.write(session_id, state)
            self.tasks.task_done()

    def run_debounced(self):
        while True:
            group = [self.tasks.get()]
            time.sleep(DEBOUNCE_SECONDS)
            while not self.tasks.empty():
                group.append(self.tasks.get())
            for session_id, state in dict(group).items():
                self.write(session_id, state)
            for _ in group:
                self.tasks.task_done()

    def write(self, session_id, state):
        with open(os.path.join(DIRECTORY, session_id + ".json"), "w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        with self.guard:
            self.written += 1

    def write_under_lock_file(self, session_id, state):
        path = os.path.join(DIRECTORY, session_id + ".lock")
        while True:
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL))
                break
            except FileExistsError:
                time.sleep(0.001)
        try:
            self.write(session_id, state)
        finally:
            os.unlink(path)

    def lock_of(self, session_id):
        with self.guard:
            return self.locks.setdefault(session_id, threading.Lock())


def main():
    with open(STATES) as file:
        states = json.load(file)
    ids = list(states)
    manager = SessionManager()
    step = 0
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            step += 1
            session_id = ids[step % len(ids)]
            # One field changed, the rest shared: the copy costs the seed nothing it need not pay.
            manager.save(session_id, {**states[session_id], "status": "step %d" % step})
        manager.tasks.join()
        print(manager.written, flush=True)


main()
