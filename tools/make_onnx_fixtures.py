#!/usr/bin/env python3
"""Makes the ONNX models that the tests of style-import read, and what PyTorch computes with them.

usage: make_onnx_fixtures.py [FOLDER]      (default: crates/style-import/tests/fixtures/onnx)

Written with torch 2.15, onnx 1.23.2, onnxscript 0.7, onnx-ir 1.1, safetensors 0.8, ml_dtypes 0.6; other
versions of the exporters name and order things differently. The network is that of small_vgg.py; most files
stop after its third block, which is where VGG-16 and VGG-19 part.

Two exporters are PyTorch's own. What comes from elsewhere is put together with onnx.helper, in the form in
which it is found: the model zoo's files (format 3, every tensor an input as well) and those of tf2onnx
(pictures as NHWC, kernels as HWIO, automatic padding).

golden.safetensors holds `NETWORK/image` (3 x 24 x 20, RGB in [0, 1]) and the features `NETWORK/reluB_N` that
PyTorch computes from it in float32 with the unrounded weights, after the transform of the Caffe weights: BGR,
times 255, less the mean pixel.
"""

import os
import sys
import warnings

import numpy
import onnx
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from small_vgg import BLOCKS, SmallVgg, small_vgg

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "../crates/style-import/tests/fixtures/onnx")
CAFFE_MEAN_BGR = torch.tensor([103.939, 116.779, 123.68]).reshape(3, 1, 1)
NETWORKS = {
    "vgg19": {"architecture": "vgg19"},
    "vgg16": {"architecture": "vgg16"},
    "vgg19_bn": {"architecture": "vgg19", "batch_norm": True},
    "vgg19_avg": {"architecture": "vgg19", "average": True},
}


def path(name):
    return os.path.join(FOLDER, name)


def three_blocks(network):
    """The network up to the pooling after its third block, without a classifier."""
    features = small_vgg(**NETWORKS[network])
    poolings = [i for i, layer in enumerate(features) if isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d))]
    return features[: poolings[2] + 1]


def export(model, name, dtype=torch.float32, **options):
    picture = torch.zeros(1, 3, 32, 32, dtype=dtype)
    torch.onnx.export(model.to(dtype), (picture,), path(name), verbose=False, **options)
    # Where in which Python file a node came from: nothing that anybody reads, and other on every machine.
    exported = onnx.load(path(name))
    for part in (exported, exported.graph, *exported.graph.node, *exported.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(exported, path(name))


def convolutions(network):
    """Weight, bias and the name in the network's block, of each convolution of three_blocks."""
    convs = [layer for layer in three_blocks(network) if isinstance(layer, nn.Conv2d)]
    counts = BLOCKS[NETWORKS[network]["architecture"]][:3]
    places = [(block + 1, number + 1) for block, count in enumerate(counts) for number in range(count)]
    return [(conv.weight.detach().numpy(), conv.bias.detach().numpy(), place) for conv, place in zip(convs, places)]


def chain(name, store, input_shape=("N", 3, "H", "W"), ir=8, opset=13, listed=False, layout=None, padding=None):
    """VGG-19's first three blocks by hand; `store(name, values)` makes a tensor, or nodes that make one."""
    nodes, tensors = [], []
    value = "data"

    def put(tensor_name, values):
        made = store(tensor_name, values)
        for part in made:
            (nodes if isinstance(part, onnx.NodeProto) else tensors).append(part)
        return made[-1].output[0] if isinstance(made[-1], onnx.NodeProto) else tensor_name

    def add(operator, result, *inputs, **attributes):
        nodes.append(helper.make_node(operator, inputs, [result], name=result, **attributes))
        return result

    if layout == "NHWC":
        value = add("Transpose", "data_nchw", value, perm=[0, 3, 1, 2])
    padding = padding or {"pads": [1, 1, 1, 1]}
    for index, (weight, bias, (_, number)) in enumerate(convolutions("vgg19")):
        if number == 1 and index:
            value = add("MaxPool", f"vgg0_pool{index}_fwd", value, kernel_shape=[2, 2], strides=[2, 2])
        inputs = put(f"vgg0_conv{index}_weight", weight), put(f"vgg0_conv{index}_bias", bias)
        value = add("Conv", f"vgg0_conv{index}_fwd", value, *inputs, kernel_shape=[3, 3], **padding)
        value = add("Relu", f"vgg0_relu{index}_fwd", value)
    value = add("MaxPool", "vgg0_pool_fwd", value, kernel_shape=[2, 2], strides=[2, 2])
    if layout == "NHWC":
        value = add("Transpose", "result_nhwc", value, perm=[0, 2, 3, 1])

    def info(tensor_name, shape):
        return helper.make_tensor_value_info(tensor_name, TensorProto.FLOAT, shape)

    inputs = [info("data", input_shape)] + [info(t.name, t.dims) for t in tensors if listed]
    graph = helper.make_graph(nodes, "vgg", inputs, [info(value, ["A", "B", "C", "D"])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    onnx.save(model, path(name))


def raw(name, values):
    return [numpy_helper.from_array(values, name)]


def float_data(name, values):
    return [helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.ravel())]


def sixteen(kind, packed):
    """f16 or bf16, as raw bytes or as integers that hold the bits."""

    def store(name, values):
        bits = values.astype(helper.tensor_dtype_to_np_dtype(kind)).view(numpy.uint16).ravel()
        tensor = TensorProto(name=name, data_type=kind, dims=values.shape)
        if packed:
            tensor.int32_data.extend(int(value) for value in bits)
        else:
            tensor.raw_data = bits.tobytes()
        return [tensor]

    return store


def constant_node(name, values):
    """Half precision on disk, single in the graph."""
    tensor = numpy_helper.from_array(values.astype(numpy.float16))
    half = name + "_f16"
    constant = helper.make_node("Constant", [], [half], name=half, value=tensor)
    return [constant, helper.make_node("Cast", [half], [name], name=name, to=TensorProto.FLOAT)]


def hwio(name, values):
    """Kernels as TensorFlow stores them, and a transposition to what ONNX wants."""
    if values.ndim == 1:
        return raw(name, values)
    stored = numpy_helper.from_array(numpy.ascontiguousarray(values.transpose(2, 3, 1, 0)), name + ":0")
    return [stored, helper.make_node("Transpose", [name + ":0"], [name], name=name, perm=[3, 2, 0, 1])]


def external(name):
    model = onnx.load(path("vgg19_bf16.onnx"))
    options = {"all_tensors_to_one_file": True, "location": name + ".data", "size_threshold": 0}
    if os.path.exists(path(name + ".data")):
        os.remove(path(name + ".data"))
    onnx.save_model(model, path(name), save_as_external_data=True, **options)


def golden():
    generator = torch.Generator().manual_seed(7)
    image = torch.rand(3, 24, 20, generator=generator)
    tensors = {}
    for network, options in NETWORKS.items():
        tensors[f"{network}/image"] = image.clone()
        value = (image.flip(0) * 255 - CAFFE_MEAN_BGR).unsqueeze(0)
        block, number = 1, 0
        for layer in small_vgg(**options)[:-1]:  # the last pooling has nothing to halve any more
            with torch.no_grad():
                value = layer(value)
            if isinstance(layer, nn.ReLU):
                number += 1
                tensors[f"{network}/relu{block}_{number}"] = value[0].contiguous()
            elif isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d)):
                block, number = block + 1, 0
    safetensors.torch.save_file(tensors, path("golden.safetensors"))


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(0)  # for the classifiers
    script, dynamo = {"dynamo": False, "opset_version": 13}, {"dynamo": True, "external_data": False}
    preserve = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    export(SmallVgg("vgg19"), "vgg19_torchscript.onnx", **script)
    export(SmallVgg("vgg16"), "vgg16_dynamo_f16.onnx", torch.float16, **dynamo)
    export(three_blocks("vgg19_bn"), "vgg19_bn_kept.onnx", **script, **preserve)
    export(three_blocks("vgg19_bn"), "vgg19_bn_folded_f16.onnx", torch.float16, **script)
    export(three_blocks("vgg19_bn"), "vgg19_bn_dynamo.onnx", optimize=False, **dynamo)
    export(three_blocks("vgg19_avg"), "vgg19_avg_keep_inputs.onnx", dynamo=False, opset_version=9,
           keep_initializers_as_inputs=True)
    chain("vgg19_zoo.onnx", raw, ir=3, opset=7, listed=True)
    chain("vgg19_zoo_float_data.onnx", float_data, ir=3, opset=8, listed=True)
    chain("vgg19_bf16.onnx", sixteen(TensorProto.BFLOAT16, False), opset=22, ir=10)
    chain("vgg19_bf16_int32.onnx", sixteen(TensorProto.BFLOAT16, True), opset=22, ir=10)
    chain("vgg19_f16_int32.onnx", sixteen(TensorProto.FLOAT16, True))
    chain("vgg19_constants_f16.onnx", constant_node, opset=11, ir=6)
    chain("vgg19_tf2onnx.onnx", hwio, ("N", "H", "W", 3), layout="NHWC", padding={"auto_pad": "SAME_UPPER"})
    external("vgg19_external_bf16.onnx")
    golden()
    for name in sorted(os.listdir(FOLDER)):
        if name.endswith(".onnx"):
            onnx.checker.check_model(path(name))
        print(f"{os.path.getsize(path(name)):8} {name}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        FOLDER = sys.argv[1]
    warnings.simplefilter("ignore")
    main()
