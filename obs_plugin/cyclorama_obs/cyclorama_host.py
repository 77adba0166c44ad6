"""What lives as long as OBS does: the shared memory, the worker process and its watch, the backgrounds' sources.

OBS loads cyclorama_background.py anew at every reload; this module stays, and with it the memory that the Lua part
reads and the pipe that it kicks. Nothing of Python runs on OBS' graphics thread.
"""

import ctypes
import mmap
import os
import subprocess
import sys
import tempfile
import threading
import time

import cyclorama_ring as ring

WATCH = 0.1  # seconds between looks at the worker
FROZEN = 1.0  # seconds without an answer after which the worker is taken for stuck; doubled after each failure
SLOW_START = 60.0  # seconds that loading a network may take
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the next start, after as many failures
RECOVERED = 10.0  # seconds of work after which failures are forgotten


class Memory:
    """The ring, mapped once for the process' life, and the pipe that kicks go through.

    Raises:
        OSError: there is no room for it.
    """

    def __init__(self):
        folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
        descriptor, self.path = tempfile.mkstemp(prefix="cyclorama-", dir=folder)
        try:
            # Every byte is written: a hole that finds no room later would be a bus error in OBS.
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(bytes(ring.BYTES))
        except OSError:
            os.close(descriptor)
            os.unlink(self.path)
            raise
        self.map = mmap.mmap(descriptor, ring.BYTES)
        self.descriptor = descriptor
        if os.name == "posix":
            os.unlink(self.path)  # pictures of people: nothing stays behind, whatever happens
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.header = ring.Header.from_buffer(self.map)
        self.streams = [ring.Stream.from_buffer(self.map, ring.stream_offset(i)) for i in range(ring.STREAMS)]
        # One pipe for all workers: were it made anew for each, the Lua part could write to a number that was closed.
        self.kicks, writing = os.pipe()
        self.writing = writing
        if os.name == "posix":
            os.set_blocking(writing, False)
            self.header.kick = writing
        else:
            import msvcrt

            self.header.kick = msvcrt.get_osfhandle(writing)
        self.header.version = ring.VERSION

    def worker_argument(self):
        """How a worker finds the ring."""
        return str(self.descriptor) if os.name == "posix" else self.path


class Worker:
    """Keeps one worker process running: starts it, watches it, and starts it again."""

    def __init__(self, memory, say):
        self._memory = memory
        self._say = say
        self._process = None
        self._stop = threading.Event()
        self._thread = None
        self._failures = 0
        self._pending = {}
        self.on_look = lambda: None

    def start(self, command, log_path):
        """Begins; `command` is the interpreter and its options."""
        self._command, self._log_path = command, log_path
        self._stop.clear()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="cyclorama worker watch", daemon=True)
        self._thread.start()

    def stop(self):
        """Ends the worker and its watch, and waits for both."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._end()

    def _run(self):
        while not self._stop.is_set():
            self.on_look()
            if self._process is None:
                pause = BACK_OFF[min(self._failures, len(BACK_OFF) - 1)]
                if self._wait(pause):
                    break
                self._begin()
            fault = self._fault()
            if fault:
                self._say("the worker %s; it is started again" % fault)
                self._end()
                self._failures += 1
            elif time.monotonic() - self._started > RECOVERED:
                self._failures = 0
            self._stop.wait(WATCH)

    def _wait(self, seconds):
        """Waits before a start, and sees to the backgrounds meanwhile. True if it is to stop."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._stop.wait(min(WATCH, seconds)):
            self.on_look()
        return self._stop.is_set()

    def _begin(self):
        header = self._memory.header
        header.state = ring.STARTING
        header.message = b""
        header.epoch = (header.epoch + 1) % 2**32
        self._pending = {}
        self._started = time.monotonic()
        options = self._start_options()
        try:
            self._process = subprocess.Popen(self._command, **options)
        except OSError as error:
            header.state = ring.FAILED
            header.message = ring.text(
                "%s: %s: set the interpreter in the script's settings" % (self._command[0], error)
            )
        finally:
            if options["stderr"] != subprocess.DEVNULL:
                options["stderr"].close()

    def _start_options(self):
        # What OBS set for its own Python is wrong for another one.
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
        options = {"env": environment, "stdin": self._memory.kicks, "stdout": subprocess.DEVNULL}
        try:
            options["stderr"] = open(self._log_path, "wb")  # noqa: SIM115 - the process has it from here on
        except OSError:
            options["stderr"] = subprocess.DEVNULL
        if os.name == "posix":
            options["pass_fds"] = (self._memory.descriptor,)
        else:
            options["creationflags"] = 0x08000000  # CREATE_NO_WINDOW
        return options

    def _fault(self):
        """What is wrong with the worker, or nothing."""
        if self._process is None:
            return "could not be started"
        status = self._process.poll()
        if status is not None:
            return "ended with status %d" % status
        now = time.monotonic()
        if self._memory.header.state != ring.READY:
            return "takes too long to start" if now - self._started > SLOW_START else None
        for index, stream in enumerate(self._memory.streams):
            waiting = (
                stream.claim and stream.request != stream.answer and stream.request_epoch == self._memory.header.epoch
            )
            if not waiting:
                self._pending.pop(index, None)
                continue
            request, since = self._pending.get(index, (None, now))
            if request != stream.request:
                self._pending[index] = (stream.request, now)
            elif now - since > FROZEN * 2 ** min(self._failures, 4):  # a slow machine is not helped by starts
                return "does not answer"
        return None

    def _end(self):
        header = self._memory.header
        if header.state != ring.FAILED:
            header.state = ring.STOPPED
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # it holds nothing that could be lost
            process.wait()


class Backgrounds:
    """OBS' sources for backgrounds from files, made for the filters that ask for them."""

    def __init__(self, memory, libraries):
        self._streams = memory.streams
        self._libraries = libraries
        # By stream: [serial, pointer, active] of what is shown, and older ones that may still be drawn.
        self._current = [None] * ring.STREAMS
        self._old = [[] for _ in range(ring.STREAMS)]

    def look(self):
        """Makes what was asked for since the last look, and frees what is drawn no longer."""
        for index, stream in enumerate(self._streams):
            serial = stream.wanted
            current = self._current[index]
            if not stream.claim:
                stream.source = 0
                self._retire(index)
            elif current is None or current[0] != serial:
                kind, path = stream.wanted_kind, stream.path
                if stream.wanted == serial and kind != ring.NO_FILE:
                    self._retire(index)
                    self._current[index] = [serial, self._make(kind, path.decode("utf-8", "replace")), False]
                    stream.source = self._current[index][1]
                    stream.source_serial = serial
            self._play(index, bool(stream.claim and stream.visible))
            for old in [old for old in self._old[index] if not stream.claim or stream.in_use != old[0]]:
                self._old[index].remove(old)
                self._free(old)

    def free(self):
        """Frees all; the filters are gone."""
        for index, stream in enumerate(self._streams):
            stream.source = 0
            self._retire(index)
            while self._old[index]:
                self._free(self._old[index].pop())

    def _make(self, kind, path):
        if kind == ring.CLIP:
            settings = {"local_file": path, "is_local_file": True, "looping": True, "restart_on_activate": False}
            return self._libraries.create_source("ffmpeg_source", settings)
        return self._libraries.create_source("image_source", {"file": path, "unload": False})

    def _retire(self, index):
        if self._current[index] is not None:
            self._old[index].append(self._current[index])
            self._current[index] = None

    def _play(self, index, visible):
        """A clip is decoded only while it is seen."""
        current = self._current[index]
        if current is not None and current[1] and current[2] != visible:
            change = self._libraries.obs.obs_source_inc_active if visible else self._libraries.obs.obs_source_dec_active
            change(current[1])
            current[2] = visible

    def _free(self, old):
        if old[1]:
            if old[2]:
                self._libraries.obs.obs_source_dec_active(old[1])
            self._libraries.obs.obs_source_release(old[1])


def kept(name, make):
    """One object for the process' life: modules can be loaded twice, from two folders, the memory must not."""
    store = sys.modules.setdefault("cyclorama_kept", type(sys)("cyclorama_kept"))
    if not hasattr(store, name):
        setattr(store, name, make())
    return getattr(store, name)
