-- The filter's end of the memory that it shares with the worker; its layout and rules are in ring.py.

local ffi = require("ffi")
local libobs = require("cyclorama_libobs")

local M = {}
M.__index = M

local OPEN, MATTE, SUGGEST = 1, 2, 3
local READY = 2
local claims = 0

-- What the host script hands over: address, sizes and offsets; nil until then.
local ring

function M.connect(given)
    if not ring and given.address and given.address > 0 then
        ffi.cdef(given.declarations)
        ring = given
        ring.base = ffi.cast("uint8_t *", ffi.cast("uintptr_t", tonumber(given.address)))
        ring.header = ffi.cast("cyclorama_header *", ring.base)
    end
end

local function record(index)
    local address = ring.base + ring.header_bytes + index * ring.stream_bytes
    return ffi.cast("cyclorama_stream *", address), address
end

-- A filter's connection. It holds no stream until it needs one.
function M.new()
    return setmetatable({stream = nil, number = 0, epoch = 0, open = false, pending = nil}, M)
end

function M:ready()
    return ring ~= nil and ring.header.state == READY and ring.header.kick >= 0
end

-- Takes a free stream, or one that has not been drawn lately. False where all are in use.
function M:claim()
    if self:holds() then
        return true
    end
    local free
    for index = 0, ring.streams - 1 do
        local stream, address = record(index)
        if stream.claim == 0 or stream.visible == 0 and not free then
            free = {stream, address}
            if stream.claim == 0 then
                break
            end
        end
    end
    if not free then
        return false
    end
    claims = claims + 1
    self.stream, self.address = free[1], free[2]
    self.number = claims
    self.stream.claim = claims
    self.stream.request = self.stream.answer
    self.stream.visible = 1
    self.open, self.pending = false, nil
    self.kind, self.path, self.first = nil, nil, nil
    self.suggested = self.stream.suggested
    return true
end

-- Whether its stream is still its own.
function M:holds()
    return self.stream ~= nil and self.stream.claim == self.number
end

function M:release()
    if self:holds() then
        self.stream.claim = 0
        self.stream.visible = 0
    end
    self.stream, self.pending, self.open = nil, nil, false
end

-- Says whether the filter is drawn; a stream that is not may be taken by another.
function M:show(visible)
    if self:holds() then
        self.stream.visible = visible and 1 or 0
    end
end

-- OBS' source of a background from a file; nil until the host script has made one.
function M:background(kind, path)
    if not ring or not self:claim() then
        return nil
    end
    local stream = self.stream
    if self.kind ~= kind or self.path ~= path then
        self.kind, self.path = kind, path
        ffi.copy(stream.path, path:sub(1, ffi.sizeof(stream.path) - 1))
        stream.wanted_kind = kind
        stream.wanted = stream.wanted + 1
        self.first = self.first or stream.wanted
    end
    -- While a new one is being made the last one stays, but not one of whoever had this stream before.
    if stream.source == 0 or stream.source_serial < self.first then
        return nil
    end
    stream.in_use = stream.source_serial
    return ffi.cast("void *", ffi.cast("intptr_t", stream.source))
end

-- Whether a request may be made: the worker runs, and nothing is on its way.
function M:idle()
    if not self:ready() or not self:claim() then
        return false
    end
    if self.epoch ~= ring.header.epoch then  -- a new worker knows nothing of this stream
        self.epoch = ring.header.epoch
        self.open, self.pending = false, nil
        self.stream.request = self.stream.answer
    end
    return self.pending == nil
end

local function send(self, kind, pending)
    local stream = self.stream
    stream.kind = kind
    stream.request_epoch = self.epoch
    self.pending = pending
    stream.request = (stream.request + 1) % 4294967296
    libobs.kick(ring.header.kick)
end

-- Asks which size the network wants pictures in.
function M:ask_size(width, height)
    self.open = false
    self.stream.source_width, self.stream.source_height = width, height
    send(self, OPEN, {kind = OPEN, width = width, height = height})
end

-- Sends a mapped picture of frame `number`: BGRA rows of `pitch` bytes.
function M:send_picture(data, pitch, width, height, number, wishes)
    local stream = self.stream
    local picture = self.address + ring.offsets.picture
    if pitch == width * 4 then
        ffi.copy(picture, data, pitch * height)
    else
        for row = 0, height - 1 do
            ffi.copy(picture + row * width * 4, data + row * pitch, width * 4)
        end
    end
    stream.width, stream.height = width, height
    stream.smoothing, stream.blur = wishes.smoothing, wishes.blur
    stream.want_colours, stream.want_blurred = wishes.colours and 1 or 0, wishes.blurred and 1 or 0
    send(self, wishes.suggest and SUGGEST or MATTE,
        {kind = wishes.suggest and SUGGEST or MATTE, number = number, width = width, height = height,
         colours = wishes.colours, blurred = wishes.blurred})
end

-- The answered request, once; nil while there is none. Failed requests are dropped.
-- To be called in one callback of OBS' and used in a later one: the script's lock, which OBS takes between them, is
-- the barrier after which the planes are as new as the answer.
function M:answered()
    local stream, pending = self.stream, self.pending
    if not pending or not self:holds() or self.epoch ~= ring.header.epoch or stream.answer ~= stream.request then
        return nil
    end
    self.pending = nil
    if stream.failed ~= 0 then
        self.open = self.open and pending.kind ~= OPEN
        return nil
    end
    if pending.kind == OPEN then
        self.open = pending
        self.working_width, self.working_height = stream.working_width, stream.working_height
        return nil
    end
    return pending
end

function M:plane(name)
    return self.address + ring.offsets[name]
end

-- Bytes a pixel of a plane.
function M.depth(name)
    return ring.depths[name]
end

-- Figures for people.
function M:status()
    if not ring then
        return {state = 0, message = "the script is not loaded"}
    end
    local stream = self.stream
    return {
        state = ring.header.state,
        model = ffi.string(ring.header.model),
        device = ffi.string(ring.header.device),
        message = ffi.string(stream ~= nil and stream.failed ~= 0 and stream.message or ring.header.message),
        milliseconds = stream and stream.milliseconds or 0,
        mattes = stream and stream.mattes or 0,
        unchanged = stream and stream.unchanged or 0,
    }
end

-- The lines of suggestions that have come since the last call; nil where none have.
function M:suggestions()
    if not self:holds() or self.stream.suggested == self.suggested then
        return nil
    end
    self.suggested = self.stream.suggested
    return ffi.string(self.stream.suggestions)
end

-- Pixels of the largest picture that can be sent.
function M.pixels()
    return ring.pixels
end

M.MATTE, M.SUGGEST = MATTE, SUGGEST
return M
