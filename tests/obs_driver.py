"""A script for OBS that runs what a test puts into its folder: NAME.py is run, its `answer` goes into NAME.json.

So tests reach what obs-websocket does not: scripts, properties' windows, hotkeys, and an orderly end. It works in a
thread of its own: OBS runs a script's timers on the graphics thread.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import traceback

import obspython as obs

HERE = os.path.dirname(os.path.abspath(__file__))
OBS_TASK_UI = 0


def leave():
    """Ends OBS as SIGINT does. Its handler closes the window there and then, which is sound only where the main thread
    does nothing else: as a task of that thread's own."""
    libraries = ctypes.CDLL(None)
    libraries.obs_queue_task.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_bool)
    end = ctypes.cast(getattr(libraries, "raise"), ctypes.c_void_p)
    libraries.obs_queue_task(OBS_TASK_UI, end, signal.SIGINT, False)


class Script:
    """A script that OBS' list does not show, loaded, loaded anew and ended as the list's buttons do it."""

    def __init__(self, path, settings):
        names = ("libobs-scripting.so", "libobs-scripting.so.30", "libobs-scripting.so.1", "libobs-scripting.so.0")
        self.library = next(lib for lib in map(opened, names) if lib)
        self.library.obs_script_create.restype = ctypes.c_void_p
        data = obs.obs_data_create_from_json(settings)
        self.pointer = ctypes.c_void_p(self.library.obs_script_create(path.encode(), ctypes.c_void_p(int(data))))
        obs.obs_data_release(data)

    def reload(self):
        on_main_thread(self.library.obs_script_reload, self.pointer)

    def destroy(self):
        on_main_thread(self.library.obs_script_destroy, self.pointer)


def opened(name):
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def on_main_thread(function, argument):
    libraries = ctypes.CDLL(None)
    libraries.obs_queue_task.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_bool)
    libraries.obs_queue_task(OBS_TASK_UI, ctypes.cast(function, ctypes.c_void_p), argument, True)


def run_waiting():
    for name in sorted(os.listdir(HERE)):
        if not name.startswith("run-") or not name.endswith(".py"):
            continue
        path = os.path.join(HERE, name)
        scope = {"obs": obs, "sys": sys, "leave": leave, "Script": Script, "answer": None}
        try:
            with open(path) as file:
                exec(file.read(), scope)
            result = {"answer": scope["answer"]}
        except Exception:  # noqa: BLE001 - whatever it is, the test is told
            result = {"error": traceback.format_exc()}
        os.unlink(path)
        with open(path[:-3] + ".part", "w") as file:
            json.dump(result, file)
        os.rename(path[:-3] + ".part", path[:-3] + ".json")


class Runner:
    stop = threading.Event()
    thread = None


def script_load(settings):  # noqa: ARG001 - as OBS calls it
    def work():
        while not Runner.stop.wait(0.03):
            run_waiting()

    Runner.stop.clear()
    Runner.thread = threading.Thread(target=work, daemon=True)
    Runner.thread.start()


def script_unload():
    Runner.stop.set()
    Runner.thread.join()
