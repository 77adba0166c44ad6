"""What uncompressed pictures NUT holds."""

from __future__ import annotations

# Layouts that come out of NUT as they went in (tried, with FFmpeg 8). Others become the nearest of these.
NUT_FORMATS = (
    *("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "yuv422p12le"),
    *("yuv444p12le", "yuv420p16le", "yuv422p16le", "yuv444p16le", "yuv410p", "yuv411p", "yuv440p", "nv12", "nv21"),
    *("yuyv422", "uyvy422", "gray", "gray10le", "gray16le", "rgb24", "bgr24", "rgb0", "bgr0", "rgb48le", "gbrp"),
    *("gbrp10le", "yuva420p", "yuva422p", "yuva444p", "yuva420p10le", "yuva422p10le", "yuva444p10le", "yuva420p16le"),
    *("yuva422p16le", "yuva444p16le", "rgba", "bgra", "argb", "abgr", "rgba64le", "gbrap", "ya8"),
)
