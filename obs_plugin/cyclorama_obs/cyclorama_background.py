"""Cyclorama for OBS: add this script in Tools > Scripts, then the filter "Cyclorama background" to any video source.

It needs OBS 28 or later with Python scripting, and the interpreter that `cyclorama install obs` wrote down.
"""

import json
import os

import cyclorama_host
import cyclorama_libs
import cyclorama_ring as ring
import obspython as obs

HERE = os.path.dirname(os.path.abspath(__file__))
FILTER = "cyclorama_background"
MODELS = (("portrait-fast", "Fast (320 px)"), ("portrait", "Better edges (640 px)"), ("green-screen", "Green screen"))
DEVICES = ("auto", "cpu", "cuda", "directml", "coreml", "openvino")
HOTKEYS = (
    ("cyclorama_toggle", "Cyclorama: background on/off", lambda: toggle()),
    ("cyclorama_next", "Cyclorama: next background", lambda: next_background()),
)


class State:
    """What a load of this script holds; `plugin` outlives it."""

    def __init__(self):
        self.plugin = None
        self.fault = ""
        self.settings = {}
        self.hotkeys = {}
        self.leaving = False


state = State()


class Plugin:
    """Memory, libraries, worker and Lua part, made once in a process."""

    def __init__(self):
        self.libraries = cyclorama_libs.Obs()
        self.fault = ""
        try:
            self.memory = cyclorama_host.Memory()
        except OSError as error:
            self.memory = None
            self.fault = "no shared memory (%s): free some room and start OBS again" % error
        self.installed = installed()
        # Without memory the filter is registered all the same: it hides its source.
        self.shim = self.libraries.load_script(os.path.join(HERE, "cyclorama_shim.lua"), self._for_shim())
        if self.memory is not None:
            self.worker = cyclorama_host.Worker(self.memory, log)
            self.backgrounds = cyclorama_host.Backgrounds(self.memory, self.libraries)
            self.worker.on_look = self.backgrounds.look

    def _for_shim(self):
        offsets, depths = ring.plane_offsets(), dict(ring.PLANES)
        return {
            "address": str(self.memory.address if self.memory else 0),
            "header_bytes": str(ring.HEADER_BYTES),
            "stream_bytes": str(ring.STREAM_BYTES),
            "streams": str(ring.STREAMS),
            "pixels": str(ring.PIXELS),
            "declarations": ring.c_declarations(),
            "planes": "\n".join("%s %d %d" % (name, offsets[name], depths[name]) for name in depths),
            "effect": os.path.join(HERE, "cyclorama.effect"),
            "scenes": "".join("%s\t%s\n" % pair for pair in sorted(self.installed.get("scenes", {}).items())),
        }

    def start(self, settings):
        """Starts the worker as the script's settings say."""
        if self.memory is None:
            return
        command = list(self.installed.get("command", [""]))
        if settings["python"]:
            command[0] = settings["python"]
        command += ["--ring", self.memory.worker_argument(), "--model", settings["model"]]
        command += ["--device", settings["device"], "--threads", str(settings["threads"])]
        self.worker.start(command, os.path.join(HERE, "worker.log"))

    def stop(self):
        """Stops the worker; filters hide their sources until there is one again."""
        if self.memory is not None:
            self.worker.stop()

    def end(self):
        """At OBS' end: frees what OBS counts."""
        self.stop()
        self.libraries.unload_script(self.shim)
        if self.memory is not None:
            self.backgrounds.free()

    def status(self):
        """One line for people."""
        if self.memory is None:
            return self.fault
        header = self.memory.header
        text = {ring.STOPPED: "stopped", ring.STARTING: "starting", ring.FAILED: "failed"}.get(header.state)
        if header.state == ring.READY:
            used = [stream for stream in self.memory.streams if stream.claim]
            figures = "%s on %s" % (header.model.decode(), header.device.decode())
            for stream in used:
                figures += "; %.1f ms a matte, %d made, %d skipped" % (
                    stream.milliseconds,
                    stream.mattes - stream.unchanged,
                    stream.unchanged,
                )
            text = figures if used else figures + "; no filter in use"
        message = header.message.decode("utf-8", "replace")
        return "Worker: %s%s" % (text, "\n" + message if message else "")


def installed():
    """What `cyclorama install obs` wrote down: interpreter and scenes."""
    try:
        with open(os.path.join(HERE, "engine.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        log("engine.json: %s: run `cyclorama install obs` again" % error)
        return {}


def log(text):
    obs.script_log(obs.LOG_WARNING, "cyclorama: " + text)


def script_description():
    return (
        "<b>Cyclorama</b>: puts any background behind people. Add the filter <i>Cyclorama background</i> to a video "
        "source.<br>Where anything fails the filter shows its background or nothing, never the room."
    )


def script_defaults(settings):
    obs.obs_data_set_default_string(settings, "model", "portrait-fast")
    obs.obs_data_set_default_string(settings, "device", "auto")
    obs.obs_data_set_default_int(settings, "threads", 2)


def script_properties():
    properties = obs.obs_properties_create()
    status = state.fault or (state.plugin.status() if state.plugin else "not loaded")
    obs.obs_properties_add_text(properties, "status", status, obs.OBS_TEXT_INFO)
    obs.obs_properties_add_button(properties, "refresh", "Refresh", lambda *_: True)
    formats = (obs.OBS_COMBO_TYPE_LIST, obs.OBS_COMBO_FORMAT_STRING)
    models = obs.obs_properties_add_list(properties, "model", "Model", *formats)
    for name, text in MODELS:
        obs.obs_property_list_add_string(models, text, name)
    devices = obs.obs_properties_add_list(properties, "device", "Device", *formats)
    for name in DEVICES:
        obs.obs_property_list_add_string(devices, name, name)
    obs.obs_properties_add_int(properties, "threads", "Processor threads (0: all)", 0, 64, 1)
    obs.obs_properties_add_path(
        properties, "python", "Interpreter (empty: the installed one)", obs.OBS_PATH_FILE, None, None
    )
    return properties


def script_update(settings):
    chosen = {name: obs.obs_data_get_string(settings, name) for name in ("python", "model", "device")}
    chosen["threads"] = obs.obs_data_get_int(settings, "threads")
    changed, state.settings = chosen != state.settings, chosen
    if state.plugin is not None and changed:
        state.plugin.stop()
        state.plugin.start(chosen)


def script_load(settings):
    obs.obs_frontend_add_event_callback(on_event)
    for name, text, action in HOTKEYS:
        hotkey = obs.obs_hotkey_register_frontend(name, text, pressed(action))
        state.hotkeys[name] = hotkey
        saved = obs.obs_data_get_array(settings, name)
        obs.obs_hotkey_load(hotkey, saved)
        obs.obs_data_array_release(saved)
    try:
        state.plugin = cyclorama_host.kept("plugin", Plugin)
        state.fault = ""
    except OSError as error:
        state.fault = str(error)
        log(state.fault)
        return
    state.settings = {}
    script_update(settings)


def script_save(settings):
    for name, hotkey in state.hotkeys.items():
        saved = obs.obs_hotkey_save(hotkey)
        obs.obs_data_set_array(settings, name, saved)
        obs.obs_data_array_release(saved)


def script_unload():
    if state.plugin is not None:
        if state.leaving:
            state.plugin.end()
        else:
            state.plugin.stop()
        state.plugin = None


def on_event(event):
    if event in (obs.OBS_FRONTEND_EVENT_EXIT, obs.OBS_FRONTEND_EVENT_SCRIPTING_SHUTDOWN):
        state.leaving = True


def pressed(action):
    """A hotkey's callback: on the way down alone."""

    def callback(down):
        if down:
            action()

    return callback


def each_filter(act):
    """Calls `act` with every filter of ours."""
    sources = (obs.obs_enum_sources() or []) + (obs.obs_frontend_get_scenes() or [])
    for source in sources:
        # The bindings' own listing of filters exists in Lua alone.
        saved = obs.obs_source_backup_filters(source)
        for index in range(obs.obs_data_array_count(saved)):
            entry = obs.obs_data_array_item(saved, index)
            if obs.obs_data_get_string(entry, "id") == FILTER:
                each = obs.obs_source_get_filter_by_name(source, obs.obs_data_get_string(entry, "name"))
                if each is not None:
                    act(each)
                    obs.obs_source_release(each)
            obs.obs_data_release(entry)
        obs.obs_data_array_release(saved)
    obs.source_list_release(sources)


def toggle():
    each_filter(lambda each: obs.obs_source_set_enabled(each, not obs.obs_source_enabled(each)))


def next_background():
    names = sorted(installed().get("scenes", {}))

    def advance(each):
        settings = obs.obs_source_get_settings(each)
        shown = (
            obs.obs_data_get_string(settings, "scene") if obs.obs_data_get_string(settings, "mode") == "scene" else ""
        )
        obs.obs_data_set_string(settings, "mode", "scene")
        obs.obs_data_set_string(
            settings, "scene", names[(names.index(shown) + 1) % len(names)] if shown in names else names[0]
        )
        obs.obs_source_update(each, settings)
        obs.obs_data_release(settings)

    if names:
        each_filter(advance)
