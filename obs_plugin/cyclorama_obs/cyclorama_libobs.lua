-- The parts of libobs (28 to 32) and of the operating system that the filter calls directly, declared for LuaJIT.
-- Calls go past OBS' own Lua bindings because those cannot map a staging surface, set a texture's pixels, or queue
-- a C function as a task.

local ffi = require("ffi")

-- Interpreted throughout: a compiled trace may not be entered anew from a C call that it makes, and rendering a
-- scene can lead back here through another filtered source in it.
jit.off()

ffi.cdef [[
typedef struct { float x, y, z, w; } cyclorama_vec4;
typedef struct { void *type; int own; void *ptr; } cyclorama_swig;

void *gs_texrender_create(int format, int zstencil);
void gs_texrender_destroy(void *texrender);
bool gs_texrender_begin_with_color_space(void *texrender, uint32_t cx, uint32_t cy, int space);
void gs_texrender_end(void *texrender);
void gs_texrender_reset(void *texrender);
void *gs_texrender_get_texture(const void *texrender);

void *gs_texture_create(uint32_t width, uint32_t height, int format, uint32_t levels, const uint8_t **data,
                        uint32_t flags);
void gs_texture_destroy(void *texture);
void gs_texture_set_image(void *texture, const uint8_t *data, uint32_t linesize, bool invert);

void *gs_stagesurface_create(uint32_t width, uint32_t height, int format);
void gs_stagesurface_destroy(void *surface);
bool gs_stagesurface_map(void *surface, uint8_t **data, uint32_t *linesize);
void gs_stagesurface_unmap(void *surface);
void gs_stage_texture(void *surface, void *texture);

void *gs_effect_create_from_file(const char *file, char **error_string);
void gs_effect_destroy(void *effect);
void *gs_effect_get_param_by_name(const void *effect, const char *name);
void gs_effect_set_texture(void *param, void *texture);
void gs_effect_set_vec4(void *param, const cyclorama_vec4 *value);
bool gs_effect_loop(void *effect, const char *technique);
void gs_draw_sprite(void *texture, uint32_t flip, uint32_t width, uint32_t height);

void gs_clear(uint32_t flags, const cyclorama_vec4 *colour, float depth, uint8_t stencil);
void gs_ortho(float left, float right, float top, float bottom, float near, float far);
void gs_blend_state_push(void);
void gs_blend_state_pop(void);
void gs_blend_function(int source, int destination);
void gs_blend_function_separate(int source_c, int destination_c, int source_a, int destination_a);
void gs_enable_framebuffer_srgb(bool enable);
bool gs_framebuffer_srgb_enabled(void);
int gs_get_color_space(void);

void *obs_filter_get_target(const void *filter);
void *obs_filter_get_parent(const void *filter);
uint32_t obs_source_get_output_flags(const void *source);
const char *obs_source_get_id(const void *source);
void *obs_source_get_type_data(void *source);
uint32_t obs_source_get_base_width(void *source);
uint32_t obs_source_get_base_height(void *source);
void obs_source_video_render(void *source);
void obs_source_default_render(void *source);
void obs_source_update(void *source, void *settings);
void obs_source_update_properties(void *source);
void *obs_data_create_from_json(const char *json);
void obs_data_release(void *data);
uint64_t obs_get_video_frame_time(void);
float obs_get_video_sdr_white_level(void);
typedef void (*cyclorama_task)(void *);
void obs_queue_task(int kind, cyclorama_task task, void *parameter, bool wait);
void obs_enter_graphics(void);
void obs_leave_graphics(void);
void bfree(void *pointer);
]]

local M = {}

M.GS_RGBA, M.GS_BGRA, M.GS_RGBA16F = 3, 5, 9
M.GS_DYNAMIC = 2
M.GS_CLEAR_COLOR = 1
M.GS_BLEND_ONE, M.GS_BLEND_SRCALPHA, M.GS_BLEND_INVSRCALPHA = 1, 4, 5
M.GS_CS_SRGB, M.GS_CS_709_SCRGB = 0, 3
M.OBS_TASK_GRAPHICS = 1
M.OBS_SOURCE_TYPE_FILTER = 1
M.OBS_SOURCE_ASYNC, M.OBS_SOURCE_CUSTOM_DRAW = 4, 8

-- The host process has loaded libobs. Windows looks symbols up in the program alone, so the DLL is named there.
M.C = ffi.os == "Windows" and ffi.load("obs") or ffi.C

-- The pointer inside one of the objects of OBS' bindings.
function M.pointer(object)
    return ffi.cast("cyclorama_swig *", object).ptr
end

function M.vec4(x, y, z, w)
    return ffi.new("cyclorama_vec4", x, y, z, w)
end

if ffi.os == "Windows" then
    ffi.cdef [[
    int WriteFile(void *file, const void *buffer, uint32_t count, uint32_t *written, void *overlapped);
    ]]
    local written = ffi.new("uint32_t[1]")
    function M.kick(handle)
        ffi.C.WriteFile(ffi.cast("void *", handle), "k", 1, written, nil)
    end
else
    ffi.cdef [[
    intptr_t write(int descriptor, const void *buffer, size_t count);
    ]]
    -- The descriptor does not block, and a full pipe holds kicks enough already.
    function M.kick(descriptor)
        ffi.C.write(tonumber(descriptor), "k", 1)
    end
end

-- Frees a graphics object from any thread: entering graphics here, with the script's lock held, could wait for a
-- render callback that waits for that lock. Tasks are run in their order by the graphics thread, which is not in its
-- context then, so three of them enter it, free, and leave.
function M.free_later(destroy, object)
    if object == nil then
        return
    end
    for _, task in ipairs({{M.C.obs_enter_graphics, nil}, {destroy, object}, {M.C.obs_leave_graphics, nil}}) do
        M.C.obs_queue_task(M.OBS_TASK_GRAPHICS, ffi.cast("cyclorama_task", task[1]), task[2], false)
    end
end

return M
