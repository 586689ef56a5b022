"""The student's view of an unlabelled image (sec. 4.3; "Data augmentations"; Fig. 6).

A strong view is the weak view with other colours, so it needs no alignment. All randomness is drawn
from torch's global CPU generator.
"""

import torch
from PIL import Image, ImageFilter, ImageStat
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as colours

from gdsweep.config import AugmentationSettings
from gdsweep.data.augment import as_picture, as_tensor, uniform

MARGIN = 12
"""Pixels of padding that are changed beside an image, twice as far as the widest blur reaches."""


class StrongView:
    """The student's colours: jitter, grey and blur; with `colour+cutout` random erasing too.

    The constants are the public code's. A blur of radius r is PIL's, a Gaussian of standard
    deviation r pixels.
    """

    def __init__(self, settings: AugmentationSettings) -> None:
        self.strong = settings.strong
        self.jitter = v2.ColorJitter(0.4, 0.4, 0.4, 0.1)
        # Unbiased Teacher's, as Polite Teacher
        self.cutout = v2.Compose(
            [
                v2.RandomErasing(p=0.7, scale=(0.05, 0.2), ratio=(0.3, 3.3), value="random"),
                v2.RandomErasing(p=0.5, scale=(0.02, 0.2), ratio=(0.1, 6.0), value="random"),
                v2.RandomErasing(p=0.3, scale=(0.02, 0.2), ratio=(0.05, 8.0), value="random"),
            ]
        )

    def __call__(self, image: Tensor, content: tuple[int, int] | None = None) -> Tensor:
        """Another look of a weak view; the same tensor if `strong` is `none`.

        Args:
            image: uint8 [3, h, w].
            content: height and width of what is no padding, all of one colour, right and below;
                None where there is none. The result is the same, sooner.
        """
        if self.strong == "none":
            return image
        height, width = image.shape[-2:]
        down, across = (height, width) if content is None else content
        # padding becomes one other colour, whatever its size: a margin of it is enough
        part = as_picture(image[:, : down + MARGIN, : across + MARGIN])
        hidden = height * width - part.height * part.width
        picture = self._coloured(part, hidden)
        if hidden:
            canvas = Image.new("RGB", (width, height), _last(picture))
            canvas.paste(picture, (0, 0))
            picture = canvas
        strong = as_tensor(picture)
        if self.strong == "colour+cutout":
            # erasing writes normal noise, which only means something on a scale of 0 to 1
            noisy = self.cutout(strong.float() / 255)
            strong = (noisy.clamp(0, 1) * 255).round().to(torch.uint8)
        return strong

    def _coloured(self, picture: Image.Image, hidden: int) -> Image.Image:
        # of a picture with `hidden` more pixels of its last one's colour
        if torch.rand(1) < 0.8:
            drawn = self.jitter.make_params([])
            for step in drawn["fn_idx"].tolist():
                if step == 0:
                    picture = colours.adjust_brightness(picture, drawn["brightness_factor"])
                elif step == 1:
                    picture = _with_contrast(picture, drawn["contrast_factor"], hidden)
                elif step == 2:
                    picture = colours.adjust_saturation(picture, drawn["saturation_factor"])
                else:
                    picture = colours.adjust_hue(picture, drawn["hue_factor"])
        if torch.rand(1) < 0.2:
            picture = colours.rgb_to_grayscale(picture, num_output_channels=3)
        if uniform(0, 1) < 0.5:
            picture = picture.filter(ImageFilter.GaussianBlur(uniform(0.1, 2.0)))
        return picture


def _with_contrast(picture: Image.Image, factor: float, hidden: int) -> Image.Image:
    # the one change that looks at all pixels: PIL's, towards their mean grey
    grey = picture.convert("L")
    total = ImageStat.Stat(grey).sum[0] + hidden * _last(grey)[0]
    mean = int(total / (grey.width * grey.height + hidden) + 0.5)
    return Image.blend(Image.new("RGB", picture.size, (mean, mean, mean)), picture, factor)


def _last(picture: Image.Image) -> tuple[int, ...]:
    # the bands of the last pixel
    width, height = picture.size
    return tuple(picture.crop((width - 1, height - 1, width, height)).tobytes())
