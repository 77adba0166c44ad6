-- Graphics objects of one filter. They are made while rendering, used again, and freed from any thread.

local ffi = require("ffi")
local libobs = require("cyclorama_libobs")
local C = libobs.C

local M = {}
M.__index = M

local NOTHING = libobs.vec4(0, 0, 0, 0)
local PLANES = {models = libobs.GS_RGBA16F, subject = libobs.GS_RGBA, room = libobs.GS_RGBA, blurred = libobs.GS_RGBA}

function M.new()
    return setmetatable({renders = {}, planes = {}, halves = {}}, M)
end

-- A texture that can be drawn to, at any size.
function M:render()
    return table.remove(self.renders) or C.gs_texrender_create(libobs.GS_RGBA, 0)
end

function M:give_back_render(render)
    table.insert(self.renders, render)
end

-- A set of the worker's planes, uploaded from a link's answer.
function M:upload(link, answer)
    local set = table.remove(self.planes)
    if set and (set.width ~= answer.width or set.height ~= answer.height) then
        self:free_planes(set)
        set = nil
    end
    set = set or {width = answer.width, height = answer.height}
    local wanted = {models = true, subject = answer.colours, room = answer.colours, blurred = answer.blurred}
    for name, format in pairs(PLANES) do
        if wanted[name] then
            set[name] = set[name] or C.gs_texture_create(set.width, set.height, format, 1, nil, libobs.GS_DYNAMIC)
            C.gs_texture_set_image(set[name], link:plane(name), set.width * link.depth(name), false)
        end
    end
    set.colours, set.has_blurred = answer.colours, answer.blurred
    return set
end

function M:give_back_planes(set)
    table.insert(self.planes, set)
end

function M:free_planes(set)
    for name in pairs(PLANES) do
        libobs.free_later(C.gs_texture_destroy, set[name])
        set[name] = nil
    end
end

-- The surface that a small picture is read back through.
function M:stage(width, height)
    local stage = self.staged
    if not stage or stage.width ~= width or stage.height ~= height then
        if stage then
            libobs.free_later(C.gs_stagesurface_destroy, stage.surface)
        end
        local surface = C.gs_stagesurface_create(width, height, libobs.GS_BGRA)
        self.staged = {surface = surface, width = width, height = height}
    end
    return self.staged
end

-- Where the source halved so many times is drawn.
function M:half(step)
    self.halves[step] = self.halves[step] or C.gs_texrender_create(libobs.GS_RGBA, 0)
    return self.halves[step]
end

-- Where the small picture is drawn; of the staging surface's format.
function M:small()
    self.small_render = self.small_render or C.gs_texrender_create(libobs.GS_BGRA, 0)
    return self.small_render
end

function M:free()
    for _, render in ipairs(self.renders) do
        libobs.free_later(C.gs_texrender_destroy, render)
    end
    for _, render in ipairs(self.halves) do
        libobs.free_later(C.gs_texrender_destroy, render)
    end
    for _, set in ipairs(self.planes) do
        self:free_planes(set)
    end
    libobs.free_later(C.gs_texrender_destroy, self.small_render)
    if self.staged then
        libobs.free_later(C.gs_stagesurface_destroy, self.staged.surface)
    end
    self.renders, self.planes, self.halves = {}, {}, {}
    self.small_render, self.staged = nil, nil
end

-- Draws into a texture by `draw`, with nothing behind. Returns the texture, or nil.
function M.draw_to(render, width, height, draw)
    C.gs_texrender_reset(render)
    if not C.gs_texrender_begin_with_color_space(render, width, height, libobs.GS_CS_SRGB) then
        return nil
    end
    C.gs_clear(libobs.GS_CLEAR_COLOR, NOTHING, 0, 0)
    C.gs_ortho(0, width, 0, height, -100, 100)
    C.gs_blend_state_push()
    C.gs_blend_function_separate(libobs.GS_BLEND_SRCALPHA, libobs.GS_BLEND_INVSRCALPHA,
        libobs.GS_BLEND_ONE, libobs.GS_BLEND_INVSRCALPHA)
    local fine, message = pcall(draw)  -- an error may not leave OBS drawing into this texture
    C.gs_blend_state_pop()
    C.gs_texrender_end(render)
    if not fine then
        error(message, 0)
    end
    return C.gs_texrender_get_texture(render)
end

-- The effect file, compiled once for all filters.
local effect

function M.effect(path)
    if effect then
        return effect
    end
    local message = ffi.new("char *[1]")
    local compiled = C.gs_effect_create_from_file(path, message)
    if compiled == nil then
        local reason = message[0] ~= nil and ffi.string(message[0]) or "cannot be read"
        C.bfree(message[0])
        error(path .. ": " .. reason)
    end
    effect = {handle = compiled, parameters = {}}
    return effect
end

function M.free_effect()
    if effect then
        libobs.free_later(C.gs_effect_destroy, effect.handle)
        effect = nil
    end
end

local function parameter(name)
    if not effect.parameters[name] then
        effect.parameters[name] = C.gs_effect_get_param_by_name(effect.handle, name)
    end
    return effect.parameters[name]
end

function M.set_texture(name, texture)
    C.gs_effect_set_texture(parameter(name), texture)
end

function M.set_vector(name, x, y, z, w)
    C.gs_effect_set_vec4(parameter(name), libobs.vec4(x, y, z, w))
end

-- Draws a technique over width x height. `texture` may be nil where the technique samples none of its own size.
function M.draw(technique, texture, width, height)
    local previous = C.gs_framebuffer_srgb_enabled()
    C.gs_enable_framebuffer_srgb(false)  -- values are drawn as they are stored
    while C.gs_effect_loop(effect.handle, technique) do
        C.gs_draw_sprite(texture, 0, width, height)
    end
    C.gs_enable_framebuffer_srgb(previous)
end

return M
