-- Registers the filter "Cyclorama background". cyclorama_background.py loads this script once in a process; it outlives
-- that script's reloads, because OBS knows no way to take a source type back.
--
-- Whatever goes wrong here, a filter draws nothing rather than its source: OBS shows a source unfiltered where a
-- filter has no data, so `create` always returns some.

local obs = obslua

local paths, scenes = nil, {}
local parts, fault  -- the modules, or why they could not be loaded
local filters = {}  -- living filters, as a set

local function load_parts(given)
    parts = {
        callbacks = require("cyclorama_callbacks"),
        filter = require("cyclorama_filter"),
        link = require("cyclorama_link"),
        libobs = require("cyclorama_libobs"),
        properties = require("cyclorama_properties"),
        textures = require("cyclorama_textures"),
    }
    parts.link.connect(given.ring)
end

local STATES = {[0] = "stopped", "starting", "running", "failed"}

local function status_of(data)
    if fault then
        return "Cyclorama does not work: " .. fault
    end
    local filter = data.filter
    local status = filter.link:status()
    local line = "Worker " .. (STATES[status.state] or "?")
    if status.state == 2 then
        line = string.format("%s on %s: %.1f ms a matte, %d mattes, %d of them for an unchanged picture",
            status.model, status.device, status.milliseconds, status.mattes, status.unchanged)
    end
    if status.message ~= "" then
        line = line .. "\n" .. status.message
    end
    local late = filter:delay_milliseconds(paths.frames_per_second())
    if late > 0 then
        local text = "\nThe picture is %.0f ms late: set the sound's sync offset to %.0f ms."
        line = line .. string.format(text, late, late)
    end
    return line
end

local source = {
    id = "cyclorama_background",
    type = obs.OBS_SOURCE_TYPE_FILTER,
    output_flags = bit.bor(obs.OBS_SOURCE_VIDEO, obs.OBS_SOURCE_SRGB),
}

function source.get_name()
    return "Cyclorama background"
end

function source.create(settings, context)
    local data = {}
    if not fault then
        local fine, made = pcall(function()
            local pointer = parts.libobs.pointer(context)
            if not parts.callbacks.remove_unused(pointer) then
                obs.script_log(obs.LOG_WARNING, "this OBS is not known: do not filter a scene and a source in it")
            end
            local filter = parts.filter.new(pointer, paths)
            filter:update(parts.properties.read(settings))
            return filter
        end)
        if fine then
            data.filter = made
            filters[made] = true
        else
            obs.script_log(obs.LOG_ERROR, "cannot make a filter: " .. tostring(made))
        end
    end
    return data
end

function source.destroy(data)
    if data.filter then
        filters[data.filter] = nil
        data.filter:destroy()
    end
end

function source.update(data, settings)
    if data.filter then
        data.filter:update(parts.properties.read(settings))
    end
end

function source.get_defaults(settings)
    if parts then
        parts.properties.defaults(settings)
    end
end

function source.get_properties(data)
    if not data.filter then
        local properties = obs.obs_properties_create()
        obs.obs_properties_add_text(properties, "status", status_of(data), obs.OBS_TEXT_INFO)
        return properties
    end
    return parts.properties.build(scenes, status_of(data), data.filter.suggested, function()
        data.filter:suggest()
        return false
    end)
end

-- The size that the last frame had. OBS asks only where `remove_unused` failed or was not reached.
function source.get_width(data)
    return data.filter and data.filter.width or 0
end

function source.get_height(data)
    return data.filter and data.filter.height or 0
end

function source.video_tick(data)
    if data.filter then
        data.filter:tick()
    end
end

function source.video_render(data)
    if data.filter then
        data.filter:render()
    end
end

local function frames_per_second()
    local info = obs.obs_video_info()
    obs.obs_get_video_info(info)
    return info.fps_num / info.fps_den
end

-- The host script passes one JSON text with all that it knows.
function script_load(settings)
    local given = {ring = {offsets = {}, depths = {}}}
    for _, name in ipairs({"address", "header_bytes", "stream_bytes", "streams", "pixels"}) do
        given.ring[name] = tonumber(obs.obs_data_get_string(settings, name))
    end
    given.ring.declarations = obs.obs_data_get_string(settings, "declarations")
    for name, offset, depth in obs.obs_data_get_string(settings, "planes"):gmatch("(%S+) (%d+) (%d+)") do
        given.ring.offsets[name], given.ring.depths[name] = tonumber(offset), tonumber(depth)
    end
    paths = {effect = obs.obs_data_get_string(settings, "effect"), scenes = {}, frames_per_second = frames_per_second}
    for name, path in obs.obs_data_get_string(settings, "scenes"):gmatch("([^\n\t]+)\t([^\n]+)") do
        paths.scenes[name] = path
        table.insert(scenes, name)
    end
    local fine, message = pcall(load_parts, given)
    if not fine then
        parts, fault = nil, tostring(message)
        obs.script_log(obs.LOG_ERROR, fault)
    end
    obs.obs_register_source(source)
end

-- At OBS' end alone.
function script_unload()
    if parts then
        for filter in pairs(filters) do
            filter:destroy()
        end
        parts.textures.free_effect()
    end
end
