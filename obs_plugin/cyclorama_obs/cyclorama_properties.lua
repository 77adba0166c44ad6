-- The filter's settings: names, defaults, what the user sees, and what the filter reads.

local obs = obslua

local M = {}

local MODES = {
    {"blur", "Blur the room"}, {"remove", "Remove (transparent)"}, {"scene", "Scene"},
    {"picture", "Picture"}, {"clip", "Clip"}, {"colour", "Colour"},
}
-- Settings that only some modes use.
local SHOWN_FOR = {scene = "scene", picture = "picture", clip = "clip", colour = "colour", blur = "blur"}

local PICTURES = "Pictures (*.jpg *.jpeg *.png *.webp *.bmp *.tga *.gif);;All files (*)"
local CLIPS = "Clips (*.mp4 *.mkv *.mov *.webm *.avi *.gif);;All files (*)"

function M.defaults(settings)
    obs.obs_data_set_default_string(settings, "mode", "blur")
    obs.obs_data_set_default_string(settings, "scene", "studio")
    obs.obs_data_set_default_int(settings, "colour", 0xff40b100)  -- ABGR: #00b140, a green screen's green
    obs.obs_data_set_default_bool(settings, "suggest_at_start", false)
    obs.obs_data_set_default_double(settings, "blur", 2)
    obs.obs_data_set_default_double(settings, "feather", 0)
    obs.obs_data_set_default_double(settings, "threshold", 0)
    obs.obs_data_set_default_bool(settings, "correct_spill", true)
    obs.obs_data_set_default_double(settings, "light_wrap", 0)
    obs.obs_data_set_default_double(settings, "smoothing", 0.6)
    obs.obs_data_set_default_string(settings, "timing", "sync")
    obs.obs_data_set_default_string(settings, "on_fault", "hide")
    obs.obs_data_set_default_int(settings, "mattes_per_second", 30)
end

-- The settings as the filter wants them.
function M.read(settings)
    local colour = obs.obs_data_get_int(settings, "colour")
    return {
        mode = obs.obs_data_get_string(settings, "mode"),
        scene = obs.obs_data_get_string(settings, "scene"),
        suggest_at_start = obs.obs_data_get_bool(settings, "suggest_at_start"),
        picture = obs.obs_data_get_string(settings, "picture"),
        clip = obs.obs_data_get_string(settings, "clip"),
        colour = {
            bit.band(colour, 255) / 255, bit.band(bit.rshift(colour, 8), 255) / 255,
            bit.band(bit.rshift(colour, 16), 255) / 255,
        },
        blur = obs.obs_data_get_double(settings, "blur") / 100,
        feather = obs.obs_data_get_double(settings, "feather"),
        threshold = math.min(0.95, obs.obs_data_get_double(settings, "threshold")),
        correct_spill = obs.obs_data_get_bool(settings, "correct_spill"),
        light_wrap = obs.obs_data_get_double(settings, "light_wrap"),
        smoothing = obs.obs_data_get_double(settings, "smoothing"),
        lowest_latency = obs.obs_data_get_string(settings, "timing") == "lowest",
        show_on_fault = obs.obs_data_get_string(settings, "on_fault") == "show",
        mattes_per_second = math.max(1, obs.obs_data_get_int(settings, "mattes_per_second")),
    }
end

local function show_for_mode(properties, _, settings)
    local mode = obs.obs_data_get_string(settings, "mode")
    for name, wanted in pairs(SHOWN_FOR) do
        obs.obs_property_set_visible(obs.obs_properties_get(properties, name), mode == wanted)
    end
    return true
end

local function add_list(properties, name, text, entries)
    local list = obs.obs_properties_add_list(properties, name, text, obs.OBS_COMBO_TYPE_LIST,
        obs.OBS_COMBO_FORMAT_STRING)
    for _, entry in ipairs(entries) do
        obs.obs_property_list_add_string(list, entry[2], entry[1])
    end
    return list
end

local function add_help(property, text)
    obs.obs_property_set_long_description(property, text)
end

-- What the worker suggested, in words.
local function suggestion_text(suggested)
    local lines = {}
    for place, each in ipairs(suggested) do
        local named = string.format("%d. %s: %s", place, each.scene, each.reason)
        table.insert(lines, each.scene ~= "" and named or each.reason)  -- without a scene: why there is none
    end
    return #lines > 0 and table.concat(lines, "\n") or "Nothing to suggest."
end

-- The settings' window. `scenes` are names, `status` a few lines, `suggested` what came of the last suggestion, or
-- nil; `suggest` is called when the button is pressed.
function M.build(scenes, status, suggested, suggest)
    local properties = obs.obs_properties_create()
    local behind = obs.obs_properties_create()
    local mode = add_list(behind, "mode", "Background", MODES)
    local named = {}
    for _, name in ipairs(scenes) do
        table.insert(named, {name, name})
    end
    add_list(behind, "scene", "Scene", named)
    add_help(obs.obs_properties_add_button(behind, "suggest", "Suggest a scene", suggest),
        "Looks at what is seen now, and puts behind what goes with the clothes and the light.")
    if suggested then
        obs.obs_properties_add_text(behind, "suggestions", suggestion_text(suggested), obs.OBS_TEXT_INFO)
    end
    obs.obs_properties_add_path(behind, "picture", "Picture", obs.OBS_PATH_FILE, PICTURES, nil)
    obs.obs_properties_add_path(behind, "clip", "Clip, looped", obs.OBS_PATH_FILE, CLIPS, nil)
    obs.obs_properties_add_color(behind, "colour", "Colour")
    add_help(obs.obs_properties_add_float_slider(behind, "blur", "Blur", 1.2, 8, 0.1),
        "Of the picture's long side, in per cent. The subject is kept out of the blur.")
    obs.obs_properties_add_group(properties, "basic", "Background", obs.OBS_GROUP_NORMAL, behind)

    local edge = obs.obs_properties_create()
    add_help(obs.obs_properties_add_float_slider(edge, "threshold", "Threshold", 0, 0.9, 0.01),
        "Takes away what is less than this much subject.")
    add_help(obs.obs_properties_add_float_slider(edge, "feather", "Feather", 0, 20, 0.5),
        "Softens the edge; pixels of the source.")
    add_help(obs.obs_properties_add_float_slider(edge, "light_wrap", "Light wrap", 0, 1, 0.05),
        "Lets the background shine around the subject's edge.")
    obs.obs_properties_add_group(properties, "edge", "Edge", obs.OBS_GROUP_NORMAL, edge)

    local advanced = obs.obs_properties_create()
    add_list(advanced, "timing", "Timing", {
        {"sync", "Each frame with its own matte"}, {"lowest", "Lowest latency (edges lag behind motion)"},
    })
    add_list(advanced, "on_fault", "Without a matte", {
        {"hide", "Hide the room"}, {"show", "Show the source as it is"},
    })
    obs.obs_properties_add_bool(advanced, "suggest_at_start", "Suggest a scene at start")
    add_help(obs.obs_properties_add_bool(advanced, "correct_spill", "Correct the edge's colours"),
        "Takes the room's colours out of hair and edges.")
    add_help(obs.obs_properties_add_float_slider(advanced, "smoothing", "Steadiness", 0, 0.95, 0.05),
        "How much of the last matte is kept where the picture is the same, moved along with it.")
    add_help(obs.obs_properties_add_int(advanced, "mattes_per_second", "Mattes a second at most", 5, 120, 1),
        "Fewer take less of the processor.")
    obs.obs_properties_add_group(properties, "advanced", "Advanced", obs.OBS_GROUP_NORMAL, advanced)

    obs.obs_properties_add_text(properties, "status", status, obs.OBS_TEXT_INFO)
    obs.obs_property_set_modified_callback(mode, show_for_mode)
    return properties
end

return M
