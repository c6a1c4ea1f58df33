"""Sets of vertices as rows of 64-bit words, eight words to one vector instruction.

A set over n vertices is a run of `words` (n) words in a flat uint64 array, vertex q being bit
q % 64 of word q // 64; a *block* is eight words, named by the index of its first. The functions are
intrinsics for numba's compiled code and take and return plain integers and arrays. Written as
loops, compilers do not reliably turn them into vectors; as LLVM's own vector operations they become
AVX-512, AVX2 or NEON by what the machine has. Several of them return a *mask*: bit i says whether
word i of the block holds anything.

Nothing is checked: a block must lie inside its array.
"""

# numba's own modules are untyped, and its intrinsics are written in terms of LLVM values
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

BLOCK = 8
"""Words in a block."""

BIT, BYTE, WORD = ir.IntType(1), ir.IntType(8), ir.IntType(64)
INT32, FLOAT32 = ir.IntType(32), ir.FloatType()
LANES = 16
"""Floats that `between` looks at together."""


def words(vertices: int) -> int:
    """Words of a set over so many vertices: a whole number of blocks."""
    return -(-vertices // (64 * BLOCK)) * BLOCK


def vector(element, size):
    return ir.VectorType(element, size)


BLOCKS, FLOATS, INTS = vector(WORD, BLOCK), vector(FLOAT32, LANES), vector(INT32, LANES)
NOTHING = ir.Constant(BLOCKS, [0] * BLOCK)


def place(context, builder, kind, array, index, element=None):
    """Pointer to ``array[index]``, as a pointer to ``element`` if one is given."""
    pointer = builder.gep(context.make_array(kind)(context, builder, array).data, [index])
    return builder.bitcast(pointer, element.as_pointer()) if element else pointer


def load(builder, pointer, align=8):
    value = builder.load(pointer)
    value.align = align
    return value


def store(builder, value, pointer):
    builder.store(value, pointer).align = 8


def splat(builder, value, kind):
    """A vector of which every lane is ``value``."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(vector(INT32, kind.count), None))


def mask(builder, block):
    """Bit i: word i of the block is not 0."""
    filled = builder.icmp_unsigned("!=", block, NOTHING)
    return builder.zext(builder.bitcast(filled, BYTE), WORD)


def single(builder, vertex, block):
    """The block at word ``block`` of the set that holds ``vertex`` alone."""
    lane = builder.sub(builder.lshr(vertex, ir.Constant(WORD, 6)), block)
    lanes = ir.Constant(BLOCKS, list(range(BLOCK)))
    here = builder.icmp_unsigned("==", splat(builder, lane, BLOCKS), lanes)
    bit = builder.shl(ir.Constant(WORD, 1), builder.and_(vertex, ir.Constant(WORD, 63)))
    return builder.select(here, splat(builder, bit, BLOCKS), NOTHING)


@intrinsic
def lowest(typing, word):
    """Index of the lowest bit that is set; any number for 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(BIT, 1))

    return types.int64(types.uint64), generate


@intrinsic
def highest(typing, word):
    """Index of the highest bit that is set; any number for 0."""

    def generate(context, builder, signature, arguments):
        zeros = builder.ctlz(arguments[0], ir.Constant(BIT, 1))
        return builder.sub(ir.Constant(WORD, 63), zeros)

    return types.int64(types.uint64), generate


@intrinsic
def common(typing, rows, one, other):
    """Mask of what the blocks ``rows[one:]`` and ``rows[other:]`` have in common."""

    def generate(context, builder, signature, arguments):
        array, *indices = arguments
        x, y = (
            load(builder, place(context, builder, signature.args[0], array, index, BLOCKS))
            for index in indices
        )
        return mask(builder, builder.and_(x, y))

    return types.int64(rows, types.int64, types.int64), generate


@intrinsic
def divide(typing, rows, one, other, hub_row, hub, near, far, block):
    """Divide what two rows have in common into what is ``near`` to ``hub`` and what is ``far``.

    near[block:] = one & other & (hub_row + {hub}), far[block:] = one & other - near[block:]

    Returns the mask of ``far``.
    """

    def generate(context, builder, signature, arguments):
        array, i, j, k, vertex, near_, far_, at = arguments
        x, y, z = (
            load(builder, place(context, builder, signature.args[0], array, index, BLOCKS))
            for index in (i, j, k)
        )
        both = builder.and_(x, y)
        inside = builder.and_(both, builder.or_(z, single(builder, vertex, at)))
        outside = builder.xor(both, inside)
        store(builder, inside, place(context, builder, signature.args[5], near_, at, BLOCKS))
        store(builder, outside, place(context, builder, signature.args[6], far_, at, BLOCKS))
        return mask(builder, outside)

    index = types.int64
    return types.int64(rows, index, index, index, index, near, far, index), generate


@intrinsic
def reach(typing, rows, row, vertex, near, far, front, block):
    """Look from ``vertex``, whose row is ``rows[row:]``: its neighbours in ``far`` move to
    ``front``, and it leaves both.

    Returns three masks: of its neighbours in ``near``; << 8, of ``far``; << 16, of ``front``.
    """

    def generate(context, builder, signature, arguments):
        array, i, q, near_, far_, front_, at = arguments
        kinds = signature.args
        x = load(builder, place(context, builder, kinds[0], array, i, BLOCKS))
        seen = load(builder, place(context, builder, kinds[3], near_, at, BLOCKS))
        far_place = place(context, builder, kinds[4], far_, at, BLOCKS)
        front_place = place(context, builder, kinds[5], front_, at, BLOCKS)
        others = builder.not_(single(builder, q, at))
        rest = builder.and_(load(builder, far_place), others)
        found = builder.and_(x, rest)
        rest = builder.xor(rest, found)
        front_ = builder.and_(builder.or_(load(builder, front_place), found), others)
        store(builder, rest, far_place)
        store(builder, front_, front_place)
        masks = mask(builder, builder.and_(x, seen))
        for shift, block_ in ((8, rest), (16, front_)):
            shifted = builder.shl(mask(builder, block_), ir.Constant(WORD, shift))
            masks = builder.or_(masks, shifted)
        return masks

    index = types.int64
    return types.int64(rows, index, index, near, far, front, index), generate


@intrinsic
def merge(typing, near, front, block):
    """Move all of ``front`` to ``near``."""

    def generate(context, builder, signature, arguments):
        near_, front_, at = arguments
        near_place = place(context, builder, signature.args[0], near_, at, BLOCKS)
        front_place = place(context, builder, signature.args[1], front_, at, BLOCKS)
        both = builder.or_(load(builder, near_place), load(builder, front_place))
        store(builder, both, near_place)
        store(builder, NOTHING, front_place)
        return context.get_dummy_value()

    return types.void(near, front, types.int64), generate


@intrinsic
def cover(typing, covered, rows, row, block):
    """``covered[block:] |= rows[row:]``."""

    def generate(context, builder, signature, arguments):
        covered_, array, i, at = arguments
        target = place(context, builder, signature.args[0], covered_, at, BLOCKS)
        x = load(builder, place(context, builder, signature.args[1], array, i, BLOCKS))
        store(builder, builder.or_(load(builder, target), x), target)
        return context.get_dummy_value()

    return types.void(covered, rows, types.int64, types.int64), generate


@intrinsic
def between(typing, values, first, low, high, number, found, count):
    """Write to ``found[count:]``, where there is room for all, those of number, number + 1, ...
    number + 15 whose value, in ``values[first:]``, is above ``low`` and at most ``high``; return
    how many they are."""

    def generate(context, builder, signature, arguments):
        array, i, above, most, name, out, o = arguments
        x = load(builder, place(context, builder, signature.args[0], array, i, FLOATS), align=4)
        inside = builder.and_(
            builder.fcmp_ordered(">", x, splat(builder, above, FLOATS)),
            builder.fcmp_ordered("<=", x, splat(builder, most, FLOATS)),
        )
        names = builder.add(
            splat(builder, builder.trunc(name, INT32), INTS),
            ir.Constant(INTS, list(range(LANES))),
        )
        compress = "llvm.experimental.vector.compress.v16i32"
        function = builder.module.globals.get(compress) or ir.Function(
            builder.module, ir.FunctionType(INTS, [INTS, vector(BIT, LANES), INTS]), compress
        )
        kept = builder.call(function, [names, inside, ir.Constant(INTS, ir.Undefined)])
        target = place(context, builder, signature.args[5], out, o, INTS)
        builder.store(kept, target).align = 4
        bits = builder.bitcast(inside, ir.IntType(LANES))
        return builder.ctpop(builder.zext(bits, WORD))

    index, float32 = types.int64, types.float32
    return types.int64(values, index, float32, float32, index, found, index), generate
