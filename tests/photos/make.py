#!/usr/bin/env python3
"""Makes the pictures beside it: see README.md. They are kept, so that tests need none of what this needs."""

import pathlib
import struct
import subprocess
import zlib

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

here = pathlib.Path(__file__).parent
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(mode="RGB", shift=0):
    """Nothing alike in its four corners, so that a turned or lost one is seen."""
    image = Image.new("RGBA", (48, 32))
    image.putdata([((x * 5 + shift) % 256, (y * 7) % 256, (x * y) % 256, 255 if x > 6 else 90)
                   for y in range(32) for x in range(48)])
    return image.convert(mode)


def exiftool(path, *arguments):
    subprocess.run(["exiftool", "-q", "-overwrite_original", *arguments, path], check=True)


PLACE = ["-GPSLatitude=52.5163", "-GPSLatitudeRef=N", "-GPSLongitude=13.3777", "-GPSLongitudeRef=E",
         "-GPSDateStamp=2026:05:04", "-GPSTimeStamp=12:34:56"]
CAMERA = ["-EXIF:Make=Kamerawerk", "-EXIF:Model=K1 SERIAL-4711", "-EXIF:DateTimeOriginal=2026:05:04 12:34:56",
          "-EXIF:SerialNumber=4711-SERIAL", "-EXIF:LensModel=Fernblick", "-EXIF:UserComment=a secret remark",
          "-EXIF:Artist=Ana Beispiel", "-EXIF:Copyright=Ana Beispiel", "-EXIF:Software=Secretware"]
XMP = ["-XMP-dc:Creator=Ana Beispiel", "-XMP-dc:Description=a secret remark", "-XMP-exif:GPSLatitude=52.5163",
       "-XMP-xmp:CreatorTool=Secretware"]
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"SECRETFILM" * 20


def jpegs():
    # As a phone writes it: thumbnail, place, camera, maker's note, captions, remarks, and a film behind the end.
    path = here / "phone.jpg"
    thumbnail = here / "thumbnail.tmp.jpg"
    picture().resize((16, 12)).save(thumbnail, quality=60)
    picture().save(path, quality=85, icc_profile=srgb, comment=b"a secret remark")
    exiftool(path, *PLACE, *CAMERA, *XMP, "-Orientation#=6", f"-ThumbnailImage<={thumbnail}",
             "-IPTC:By-line=Ana Beispiel", "-IPTC:City=Berlin", "-IPTC:Caption-Abstract=a secret remark")
    thumbnail.unlink()
    path.write_bytes(path.read_bytes() + FILM)
    # A maker's note: exiftool writes none from nothing, so Pillow does.
    path = here / "makernote.jpg"
    exif = Image.Exif()
    exif[0x0112] = 3
    exif.get_ifd(0x8769)[0x927C] = b"MAKERSECRET\0" * 8
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 58.0)
    picture().save(path, quality=85, exif=exif)
    # Two pictures in one file (MPF), each with EXIF.
    path = here / "two.jpg"
    picture().save(path, format="MPO", save_all=True, append_images=[picture(shift=90)], quality=70)
    exiftool(path, *PLACE)
    # Progressive, with a remark and a program's segment between the scans, and no JFIF.
    path = here / "progressive.jpg"
    picture().save(path, quality=80, progressive=True)
    data = path.read_bytes()
    at = data.index(b"\xff\xc4", data.index(b"\xff\xda"))
    between = b"".join(struct.pack(">BBH", 0xFF, marker, len(text) + 2) + text
                       for marker, text in [(0xFE, b"a secret remark"), (0xE1, b"http://ns.adobe.com/xap/1.0/\0SECRET"),
                                            (0xEC, b"Ducky SECRET")])
    jfif = 4 + struct.unpack(">H", data[4:6])[0]
    path.write_bytes(data[:2] + data[jfif:at] + between + data[at:])
    # Four colours: without Adobe's segment they would be shown inverted.
    picture("CMYK").save(here / "cmyk.jpg", quality=85)
    exiftool(here / "cmyk.jpg", "-EXIF:Artist=Ana Beispiel")


def chunk(kind, contents):
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def pngs():
    path = here / "notes.png"
    info = PngInfo()
    info.add_text("Comment", "a secret remark")
    info.add_text("Author", "Ana Beispiel", zip=True)
    info.add_itxt("Description", "a secret remark", lang="en")
    picture("RGBA").save(path, pnginfo=info, icc_profile=srgb, dpi=(72, 72))
    exiftool(path, *PLACE, *CAMERA, *XMP, "-EXIF:Orientation#=8")
    data = path.read_bytes()
    end = data.index(b"IEND") - 4
    more = chunk(b"tIME", struct.pack(">HBBBBB", 2026, 5, 4, 12, 34, 56)) + chunk(b"seCr", b"SECRET")
    path.write_bytes(data[:end] + more + data[end:] + b"SECRET after the end")
    picture("P").save(here / "palette.png", transparency=3)
    picture().save(here / "animated.png", save_all=True, append_images=[picture(shift=90)], duration=100)


def riff(kind, contents):
    return kind + struct.pack("<I", len(contents)) + contents + b"\0" * (len(contents) % 2)


def webps():
    path = here / "notes.webp"
    picture().save(path, quality=70, icc_profile=srgb)
    exiftool(path, *PLACE, *CAMERA, *XMP, "-EXIF:Orientation#=6")
    data = path.read_bytes()
    body = data[8:] + riff(b"seCr", b"SECRET!")
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body + b"SECRET after the end")
    picture("RGBA").save(here / "lossless.webp", lossless=True)
    exiftool(here / "lossless.webp", *PLACE)
    picture().save(here / "simple.webp", quality=70)
    # An animation, each frame with a chunk of its own that no viewer knows.
    path = here / "animated.webp"
    picture("RGBA").save(path, save_all=True, append_images=[picture("RGBA", 90)], duration=100, quality=60)
    exiftool(path, *PLACE)
    data = path.read_bytes()
    out, at = b"", 12
    while at < len(data):
        kind, length = data[at:at + 4], struct.unpack("<I", data[at + 4:at + 8])[0]
        contents = data[at + 8:at + 8 + length]
        if kind == b"ANMF":
            contents += riff(b"seCr", b"SECRET")
        out += riff(kind, contents)
        at += 8 + length + length % 2
    path.write_bytes(b"RIFF" + struct.pack("<I", len(out) + 4) + b"WEBP" + out)


def others():
    picture().resize((8, 8)).convert("P").save(here / "other.gif")
    picture().resize((8, 8)).save(here / "other.tiff")
    picture().resize((8, 8)).save(here / "other.avif")
    picture().resize((8, 8)).save(here / "other.bmp")
    picture().resize((8, 8)).save(here / "other.pdf")


jpegs()
pngs()
webps()
others()
