-- Takes callbacks that the filter does not need off one of OBS' sources.
--
-- OBS gives every source of a script all callbacks, used or not, and each waits for the script's lock. It calls some of
-- them with the parent's list of filters locked (obs-source.c: get_recurse_width, obs_save_source), from any thread. The
-- graphics thread holds the script's lock while it draws a filtered scene, and waits for that list when it comes to the
-- parent inside. Together that froze OBS for good, most often when it saved. Without the callbacks OBS finds the size by
-- itself, that of what the filter draws, and has nothing to wait for.

local ffi = require("ffi")
local libobs = require("cyclorama_libobs")
local C = libobs.C

local M = {}

-- The beginning of OBS' obs_source_info (obs-source.h), to which OBS only ever appends.
ffi.cdef [[
typedef struct {
    const char *id;
    int type;
    uint32_t output_flags;
    void *get_name, *create, *destroy, *get_width, *get_height, *get_defaults, *get_properties, *update;
    void *activate, *deactivate, *show, *hide, *video_tick, *video_render, *filter_video, *filter_audio;
    void *enum_active_sources, *save, *load, *mouse_click, *mouse_move, *mouse_wheel, *focus, *key_click;
    void *filter_remove, *type_data;
} cyclorama_source_info;
]]

local UNUSED = {"get_width", "get_height", "activate", "deactivate", "show", "hide", "save", "load"}
-- Bytes. Each source has its own copy, which comes after a context of 216 bytes in OBS 29 and of 336 in OBS 32; the
-- whole source has 2,936 in OBS 29.
local SEARCHED = 640

-- The source's copy of its type's description; nil where it cannot be told for certain.
local function description(source)
    local step = ffi.sizeof("void *")
    for offset = 0, SEARCHED - step, step do
        local info = ffi.cast("cyclorama_source_info *", ffi.cast("uint8_t *", source) + offset)
        if info.id == C.obs_source_get_id(source)
            and info.type == libobs.OBS_SOURCE_TYPE_FILTER
            and info.output_flags == C.obs_source_get_output_flags(source)
            and info.type_data == C.obs_source_get_type_data(source) then
            return info
        end
    end
    return nil
end

-- To be called while OBS creates the source, when no other thread knows it. False where OBS is built otherwise: the
-- filter works then as well, with the danger above.
function M.remove_unused(source)
    local info = description(source)
    if not info then
        return false
    end
    for _, name in ipairs(UNUSED) do
        info[name] = nil
    end
    return true
end

return M
