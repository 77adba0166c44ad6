-- One filter: captures its source, sends small pictures to the worker, and draws what `cyclorama_alignment` chooses.
--
-- Nothing here waits. A frame's small picture is staged in one render and read in a later one, when the GPU is done
-- with it; an answer is looked for and, if there is none, the last pair or the background alone is drawn.

local ffi = require("ffi")
local libobs = require("cyclorama_libobs")
local textures = require("cyclorama_textures")
local alignment = require("cyclorama_alignment")
local background = require("cyclorama_background")
local link = require("cyclorama_link")
local C = libobs.C

local M = {}
M.__index = M

local LARGEST = 8192       -- pixels a side; a larger source is a mistake
local UNSEEN = 1.0         -- seconds without being drawn after which a filter starts anew

function M.new(source, paths)
    local self = setmetatable({}, M)
    self.source = source
    self.paths = paths
    self.settings = nil
    self.width, self.height = 0, 0
    self.textures = textures.new()
    self.background = background.new()
    self.link = link.new()
    self:start_anew()
    self.frame, self.asked = 0, 0
    self.drawing = false
    return self
end

-- Forgets all frames and mattes: the source was hidden, or has another size.
function M:start_anew()
    if self.alignment then
        for _, frame in ipairs(self.alignment.frames) do
            self.textures:give_back_render(frame.picture)
        end
        for _, matte in ipairs(self.alignment.mattes) do
            self.textures:give_back_planes(matte.planes)
        end
    end
    self.alignment = alignment.new()
    self.staged, self.answer = nil, nil
end

local function seconds()
    return tonumber(C.obs_get_video_frame_time()) * 1e-9
end

-- Once a frame, before anything is drawn.
function M:tick()
    local target = C.obs_filter_get_target(self.source)
    local width, height = 0, 0
    if target ~= nil then
        width, height = C.obs_source_get_base_width(target), C.obs_source_get_base_height(target)
    end
    if width > LARGEST or height > LARGEST then
        width, height = 0, 0
    end
    if width ~= self.width or height ~= self.height then
        self.width, self.height = width, height
        self.link.open = false
        self:start_anew()
    end
    self.now = seconds()
    self.fresh = true
    if self.drawn and self.now - self.drawn > UNSEEN then
        self.drawn = nil
        self.link:show(false)
        self:start_anew()
    end
    local answer = self.link:answered()
    if answer and answer.kind == link.MATTE then
        self.answer = answer
    end
    local lines = self.link:suggestions()
    if lines then
        self:take_suggestions(lines)
    end
end

-- Asks the worker which scene fits what is seen now.
function M:suggest()
    self.suggest_wanted = true
end

-- Puts the first suggested scene behind, and keeps the list for the settings' window.
function M:take_suggestions(lines)
    self.suggested = {}
    for scene, reason in lines:gmatch("([^\t\n]*)\t([^\n]*)") do
        table.insert(self.suggested, {scene = scene, reason = reason})
    end
    local best = self.suggested[1]
    if best and self.paths.scenes[best.scene] then
        local data = C.obs_data_create_from_json('{"mode":"scene","scene":"' .. best.scene .. '"}')
        C.obs_source_update(self.source, data)
        C.obs_data_release(data)
    end
    C.obs_source_update_properties(self.source)
end

function M:render()
    -- A scene behind the filter may hold the filtered source itself.
    if self.drawing or self.width == 0 or not self.now or not self.settings then
        return
    end
    self.drawing = true
    local fine, message = pcall(M.draw, self)
    self.drawing = false
    if not fine then
        error(message, 0)
    end
end

function M:draw()
    textures.effect(self.paths.effect)
    if self.fresh then
        self.fresh = false
        self.drawn = self.now
        self.link:show(true)
        self:take_answer()
        self:send_staged()
        self:capture()
    end
    self:composite()
end

function M:take_answer()
    local answer = self.answer
    self.answer = nil
    if answer and self.link.working_width == answer.width and self.link.open then
        local planes = self.textures:upload(self.link, answer)
        for _, old in ipairs(self.alignment:matted(answer.number, self.now, planes)) do
            self.textures:give_back_planes(old.planes)
        end
    end
end

-- Sends the picture that an earlier render staged, if the worker waits for one.
function M:send_staged()
    if not self.link:idle() then
        return
    end
    if not self.link.open then
        self.link:ask_size(self.width, self.height)
        self.staged = nil
        return
    end
    -- A small allowance, or a limit of 30 would be 15 where frames come a touch too early.
    local soonest = self.asked + 1 / self.settings.mattes_per_second - 0.004
    if not self.staged or self.now < soonest then
        return
    end
    local staged, stage = self.staged, self.textures.staged
    self.staged = nil
    if staged.suggest then
        self.suggest_wanted = false
    end
    local data, pitch = ffi.new("uint8_t *[1]"), ffi.new("uint32_t[1]")
    if C.gs_stagesurface_map(stage.surface, data, pitch) then
        self.link:send_picture(data[0], pitch[0], stage.width, stage.height, staged.number,
            self:wishes(staged.suggest))
        self.alignment:requested(not staged.suggest and staged.number or nil)
        C.gs_stagesurface_unmap(stage.surface)
        self.asked = self.now
    end
end

function M:wishes(suggest)
    local settings = self.settings
    return {
        suggest = suggest,
        smoothing = settings.smoothing,
        blur = settings.blur,
        colours = settings.correct_spill or settings.light_wrap > 0,
        blurred = settings.mode == "blur",
    }
end

-- Draws the source into a texture, and a small copy of it into the staging surface.
function M:capture()
    local target, parent = C.obs_filter_get_target(self.source), C.obs_filter_get_parent(self.source)
    if target == nil or parent == nil then
        return
    end
    local render = self.textures:render()
    local flags = C.obs_source_get_output_flags(parent)
    local direct = bit.band(flags, bit.bor(libobs.OBS_SOURCE_CUSTOM_DRAW, libobs.OBS_SOURCE_ASYNC)) == 0
    local frame = textures.draw_to(render, self.width, self.height, function()
        if target == parent and direct then
            C.obs_source_default_render(target)
        else
            C.obs_source_video_render(target)
        end
    end)
    if not frame then
        self.textures:give_back_render(render)
        return
    end
    self.frame = self.frame + 1
    for _, old in ipairs(self.alignment:captured(self.frame, self.now, render)) do
        self.textures:give_back_render(old.picture)
    end
    if self.link.open then
        self:stage(frame)
    end
end

function M:stage(frame)
    local width, height = self.link.working_width, self.link.working_height
    if self.suggest_wanted then  -- clothes are told apart by detail
        local scale = math.min(1, math.sqrt(link.pixels() / (self.width * self.height)))
        width, height = math.floor(self.width * scale), math.floor(self.height * scale)
    end
    local stage = self.textures:stage(width, height)
    -- Halved as long as that goes, and then the rest: as the engine shrinks, so that the network sees the same picture.
    local from_width, from_height, step = self.width, self.height, 0
    while from_width >= 2 * width and from_height >= 2 * height do
        local half_width, half_height = math.floor(from_width / 2), math.floor(from_height / 2)
        step = step + 1
        frame = self:shrink(self.textures:half(step), frame, from_width, from_height, half_width, half_height)
        if not frame then
            return
        end
        from_width, from_height = half_width, half_height
    end
    local small = self:shrink(self.textures:small(), frame, from_width, from_height, width, height)
    if small then
        C.gs_stage_texture(stage.surface, small)
        self.staged = {number = self.frame, suggest = self.suggest_wanted}
    end
end

function M:shrink(render, picture, from_width, from_height, width, height)
    return textures.draw_to(render, width, height, function()
        C.gs_blend_function(libobs.GS_BLEND_ONE, libobs.GS_BLEND_INVSRCALPHA)
        textures.set_texture("image", picture)
        textures.set_vector("size", from_width, from_height, width, height)
        textures.set_vector("target", 0, 0, 0, 0)
        textures.draw("Shrink", picture, width, height)
    end)
end

-- Which part of a picture covers the frame, and how far apart a larger one is sampled.
local function set_covering(width, height, picture_width, picture_height)
    local scale = math.max(width / picture_width, height / picture_height)
    local x, y = width / (picture_width * scale), height / (picture_height * scale)
    textures.set_vector("fit", x, y, (1 - x) / 2, (1 - y) / 2)
    local apart = math.max(0, 1 / scale - 1) / 4
    textures.set_vector("taps", apart / picture_width, apart / picture_height, 0, 0)
end

function M:composite()
    local settings = self.settings
    local shown = self.alignment:choose(self.now, settings.lowest_latency)
    local technique = self:set_background(shown)
    local newest = self.alignment.frames[#self.alignment.frames]
    local frame = shown and shown.frame or settings.show_on_fault and newest or nil
    if shown then
        technique = technique and "Over" .. technique or "Remove"
    elseif settings.show_on_fault then
        technique = "AsItIs"
    else
        technique = technique and technique .. "Alone"
    end
    if not technique then
        return  -- nothing
    end
    local linear = 0
    local space = C.gs_get_color_space()
    if space ~= libobs.GS_CS_SRGB then
        linear = space == libobs.GS_CS_709_SCRGB and C.obs_get_video_sdr_white_level() / 80 or 1
    end
    local texture = frame and C.gs_texrender_get_texture(frame.picture) or nil
    textures.set_vector("target", linear, 0, 0, 0)
    textures.set_vector("size", self.width, self.height, self.width, self.height)
    if texture then
        textures.set_texture("image", texture)
    end
    if shown then
        local planes = shown.matte.planes
        local colours = planes.colours
        textures.set_texture("models", planes.models)
        textures.set_texture("subject", colours and planes.subject or planes.models)
        textures.set_texture("room", colours and planes.room or planes.models)
        textures.set_vector("edge", settings.threshold, settings.feather,
            colours and settings.correct_spill and 1 or 0, colours and settings.light_wrap or 0)
    end
    C.gs_blend_state_push()
    C.gs_blend_function(libobs.GS_BLEND_ONE, libobs.GS_BLEND_INVSRCALPHA)
    textures.draw(technique, texture, self.width, self.height)
    C.gs_blend_state_pop()
end

-- Sets what stands behind. Returns "Colour", "Picture", or nil for nothing.
function M:set_background(shown)
    local settings = self.settings
    if settings.mode == "colour" then
        local c = settings.colour
        textures.set_vector("colour", c[1], c[2], c[3], 1)
        return "Colour"
    elseif settings.mode == "blur" then
        -- The blurred room belongs to its matte; without one there is nothing that may be seen of it.
        local planes = shown and shown.matte.planes
        if not planes or not planes.has_blurred then
            return nil
        end
        textures.set_texture("background", planes.blurred)
        textures.set_vector("fit", 1, 1, 0, 0)
        textures.set_vector("taps", 0, 0, 0, 0)
        return "Picture"
    elseif settings.mode ~= "remove" then
        local texture, width, height = self.background:texture(self.link)
        if texture then
            textures.set_texture("background", texture)
            set_covering(self.width, self.height, width, height)
            return "Picture"
        end
    end
    return nil
end

-- New settings, from any thread.
function M:update(settings)
    if not self.settings and settings.suggest_at_start then
        self.suggest_wanted = true
    end
    self.settings = settings
    if settings.mode == "scene" then
        local path = self.paths.scenes[settings.scene]
        self.background:choose(path and path:match("%.mp4$") and "clip" or "picture", path)
    else
        self.background:choose(settings.mode, settings[settings.mode])
    end
end

-- From any thread; graphics are not entered here.
function M:destroy()
    self:start_anew()
    self.link:release()
    self.background:free()
    self.textures:free()
end

-- Milliseconds between what the camera saw and what is drawn: what the sound has to be late by.
function M:delay_milliseconds(frames_per_second)
    if not self.settings or self.settings.lowest_latency then
        return 0
    end
    return self.alignment:delay() / frames_per_second * 1000
end

return M
