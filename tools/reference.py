"""The network, the losses and the two objectives in plain PyTorch: what the engine is compared with."""

import torch
import torch.nn.functional as F
from safetensors import safe_open

CONVOLUTIONS_PER_BLOCK = (2, 2, 4, 4, 1)  # VGG-19 as far as conv5_1
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"


class Vgg:
    """VGG-19 to relu5_1 over one image [3, H, W], RGB in [0, 1].

    `padding` of the first convolution: "zero", or a mode of F.pad ("replicate", "reflect") on the transformed image.
    """

    def __init__(self, path, padding="zero", pool=F.max_pool2d, dtype=torch.float32):
        with safe_open(path, "pt") as file:
            self.input, names = file.metadata()["input"], set(file.keys())
            self.layers = []
            for block, count in enumerate(CONVOLUTIONS_PER_BLOCK, 1):
                for number in range(1, count + 1):
                    name = f"conv{block}_{number}"
                    weight = file.get_tensor(f"{name}.weight")
                    if f"{name}.codebook" in names:
                        weight = file.get_tensor(f"{name}.codebook")[weight.long()]
                    bias = file.get_tensor(f"{name}.bias")
                    self.layers.append((f"{block}_{number}", weight.to(dtype), bias.to(dtype)))
        self.padding, self.pool, self.dtype = padding, pool, dtype

    def transform(self, image):
        """The pixels that the weights were trained on: [3, H, W] -> [1, 3, H, W]."""
        if self.input == "caffe-bgr-255":
            mean = image.new_tensor((103.939, 116.779, 123.68)).view(3, 1, 1)
            return (image.flip(0) * 255 - mean)[None]
        if self.input == "torch-rgb-01":
            mean = image.new_tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
            deviation = image.new_tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
            return ((image - mean) / deviation)[None]
        raise ValueError(f"unknown pixel transform {self.input!r}")

    def features(self, image):
        """Every layer's features by name, each [C, h, w]."""
        x, result = self.transform(image), {}
        for index, (name, weight, bias) in enumerate(self.layers):
            if name.endswith("_1") and index:
                x = self.pool(x, 2, 2)
            if index == 0 and self.padding != "zero":
                x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode=self.padding), weight, bias)
            else:
                x = F.conv2d(x, weight, bias, padding=1)
            result[f"conv{name}"] = x[0]
            x = F.relu(x)
            result[f"relu{name}"] = x[0]
        return result


def scaled(pool, gain):
    """A pooling with a factor on its output; `pool` takes (x, size, stride)."""
    return lambda x, size, stride: pool(x, size, stride) * gain


def norm_pool2d(x, size, stride):
    """The root of the sum of squares: torch.nn.LPPool2d(2, size, stride)."""
    return F.lp_pool2d(x, 2, size, stride)


def gram_matrix(features):
    """F F^T / (H W): [C, H, W] -> [C, C]."""
    flat = features.flatten(1)
    return flat @ flat.T / flat.shape[1]


def total_variation(image):
    """Mean squared difference of neighbours, across plus down."""
    return (image[:, :, 1:] - image[:, :, :-1]).square().mean() + (image[:, 1:] - image[:, :-1]).square().mean()


class Targets:
    """A network with what its features should become."""

    def __init__(self, vgg, content, style):
        self.vgg = vgg
        self.content = vgg.features(content.to(vgg.dtype))[CONTENT_LAYER]
        style = vgg.features(style.to(vgg.dtype))
        self.grams = {layer: gram_matrix(style[layer]) for layer in STYLE_LAYERS}

    def losses(self, image):
        """Unweighted losses by name, in every normalisation."""
        features = self.vgg.features(image)
        difference = (features[CONTENT_LAYER] - self.content).square().mean()
        result = {"content.mean": difference, "content.relative": difference / self.content.square().mean()}
        for layer, target in self.grams.items():
            gram = gram_matrix(features[layer])
            squares = (gram - target).square()
            result[f"style.mean.{layer}"] = squares.mean()
            result[f"style.relative.{layer}"] = squares.sum() / target.square().sum()
            result[f"style.distance.{layer}"] = squares.sum() / (gram.square().sum() + target.square().sum())
        return result

    def relative(self, image):
        """Mean over layers of relative style loss + 0.1 * relative content loss + total variation."""
        losses = self.losses(image)
        style = sum(losses[f"style.relative.{layer}"] for layer in STYLE_LAYERS) / len(STYLE_LAYERS)
        return style + 0.1 * losses["content.relative"] + total_variation(image)

    def mse(self, image):
        """Sum over layers of 1000 / C^2 * mean style loss + mean content loss, as in Gatys' notebook."""
        losses = self.losses(image)
        style = sum(1e3 / len(gram) ** 2 * losses[f"style.mean.{layer}"] for layer, gram in self.grams.items())
        return style + losses["content.mean"]


def objectives(path, content, style, dtype=torch.float32):
    """The two objectives by name, each a function of the image."""
    relative = Targets(Vgg(path, padding="replicate", dtype=dtype), content, style)
    mse = Targets(Vgg(path, dtype=dtype), content, style)
    return {"relative": relative.relative, "mse": mse.mse}


def value_and_gradient(objective, image):
    """Loss [1] and its derivative with respect to the pixels [3, H, W]."""
    image = image.clone().requires_grad_()
    loss = objective(image)
    loss.backward()
    return loss.detach().view(1), image.grad
