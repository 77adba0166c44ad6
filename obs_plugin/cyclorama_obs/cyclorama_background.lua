-- What stands behind the subject where it comes from a file: a source of OBS' own, drawn into a texture.
--
-- The host script makes and frees these sources. Here it could deadlock: a scene collection being saved holds OBS'
-- list of sources and waits for this script's lock, which is held here while that list is waited for.

local libobs = require("cyclorama_libobs")
local textures = require("cyclorama_textures")
local C = libobs.C

local M = {}
M.__index = M

M.KINDS = {picture = 1, clip = 2}

function M.new()
    return setmetatable({kind = 0, path = "", render = nil}, M)
end

-- Chooses a picture or a clip; nil for none.
function M:choose(kind, path)
    self.kind = path and path ~= "" and M.KINDS[kind] or 0
    self.path = self.kind > 0 and path or ""
end

-- The background as a texture, with its size; nil where there is none (yet). While rendering alone.
function M:texture(link)
    local source = self.kind > 0 and link:background(self.kind, self.path)
    if not source then
        return nil
    end
    local width, height = C.obs_source_get_base_width(source), C.obs_source_get_base_height(source)
    if width == 0 or height == 0 then
        return nil
    end
    self.render = self.render or C.gs_texrender_create(libobs.GS_RGBA, 0)
    local texture = textures.draw_to(self.render, width, height, function()
        C.obs_source_video_render(source)
    end)
    return texture, width, height
end

function M:free()
    libobs.free_later(C.gs_texrender_destroy, self.render)
    self.render = nil
end

return M
