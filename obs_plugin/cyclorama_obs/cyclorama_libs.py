"""OBS' libraries by ctypes: the few functions that its Python bindings do not have.

Calls by ctypes let go of Python's global lock, calls by the bindings do not. What may wait for a lock of OBS' goes
this way, so that no thread ever waits for OBS with Python's lock in its hand.
"""

import ctypes
import json
import os
import sys

POINTER = ctypes.c_void_p
# name -> (result, arguments)
OBS = {
    "obs_data_create_from_json": (POINTER, (ctypes.c_char_p,)),
    "obs_data_release": (None, (POINTER,)),
    "obs_source_create_private": (POINTER, (ctypes.c_char_p, ctypes.c_char_p, POINTER)),
    "obs_source_release": (None, (POINTER,)),
    "obs_source_inc_active": (None, (POINTER,)),
    "obs_source_dec_active": (None, (POINTER,)),
}
SCRIPTING = {
    "obs_script_create": (POINTER, (ctypes.c_char_p, POINTER)),
    "obs_script_loaded": (ctypes.c_bool, (POINTER,)),
    "obs_script_destroy": (None, (POINTER,)),
}


def library_names(name, platform=None):
    """File names of one of OBS' libraries, the likeliest first. Up to 29 Linux' end in .0 and .1, from 30 in .30."""
    platform = platform or sys.platform
    if platform == "win32":
        return [name[3:] + ".dll"]  # obs.dll, obs-scripting.dll
    if platform == "darwin":
        frameworks = "@executable_path/../Frameworks/"
        return [frameworks + name + ".framework/" + name, frameworks + name + ".dylib", name + ".dylib"]
    return [name + ".so" + end for end in ("", ".30", ".1", ".0")]


def library(name, functions):
    """Opens the library and declares its functions.

    Raises:
        OSError: there is none of these names, or it lacks one of the functions.
    """
    found, tried = None, []
    if sys.platform != "win32":  # what the program has loaded for all to see
        found = ctypes.CDLL(None)
        if not all(hasattr(found, function) for function in functions):
            found = None
    for file in library_names(name):
        if found is not None:
            break
        try:
            found = ctypes.CDLL(file)
        except OSError as error:
            tried.append("%s (%s)" % (file, error))
    if found is None:
        raise OSError("expected OBS' library %s; tried %s" % (name, "; ".join(tried)))
    for function, (result, arguments) in functions.items():
        if not hasattr(found, function):
            raise OSError("OBS' library %s has no function %s: expected OBS 28 or later" % (name, function))
        getattr(found, function).restype = result
        getattr(found, function).argtypes = arguments
    return found


class Obs:
    """libobs and its scripting library, with what the host script does by them."""

    def __init__(self):
        self.obs = library("libobs", OBS)
        self.scripting = library("libobs-scripting", SCRIPTING)

    def load_script(self, path, settings):
        """Loads a script that OBS' list does not show. Returns its pointer.

        Raises:
            OSError: it has errors.
        """
        data = self._data(settings)
        script = self.scripting.obs_script_create(os.fsencode(path), data)
        self.obs.obs_data_release(data)
        if not script or not self.scripting.obs_script_loaded(script):
            raise OSError("%s: OBS could not load this script; see OBS' script log" % path)
        return script

    def unload_script(self, script):
        """Ends a script of `load_script`."""
        self.scripting.obs_script_destroy(script)

    def create_source(self, kind, settings):
        """A private source, as a pointer; 0 where OBS does not know the kind."""
        data = self._data(settings)
        source = self.obs.obs_source_create_private(kind.encode(), b"Cyclorama background", data)
        self.obs.obs_data_release(data)
        return source or 0

    def _data(self, settings):
        return self.obs.obs_data_create_from_json(json.dumps(settings).encode("utf-8"))
