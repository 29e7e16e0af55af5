// From a frame and a box to the network's input, as in lmk/inference/crops.py.

import Foundation
import simd

/// Pixels row by row, of 4 bytes each, `rowBytes` from row to row; in the camera's order BGRA.
struct Frame {
    let width, height, rowBytes: Int
    let bytes: UnsafePointer<UInt8>

    /// A pixel; beyond the frame those of its edge are repeated.
    func pixel(_ x: Int, _ y: Int) -> SIMD4<Float> {
        let row = min(max(y, 0), height - 1), column = min(max(x, 0), width - 1)
        let p = bytes + row * rowBytes + 4 * column
        return SIMD4(Float(p[0]), Float(p[1]), Float(p[2]), Float(p[3]))
    }
}

/// The square around a box, resized to `size` x `size` pixels, which are written to `out`.
func cutCrop(
    _ frame: Frame, _ box: Box, size: Int, to out: UnsafeMutablePointer<UInt8>, rowBytes: Int
) {
    let toFrame = Affine.inputToImage(box, size: size)
    let scale = simd_length(toFrame.linear.columns.0)
    let block = min(max(Int(scale / Crops.BLOCKS_A_PIXEL), 1), Crops.MAX_BLOCK)
    let samples = min(
        Int((scale / Double(block) / Crops.SAMPLES_APART).rounded(.up)), Crops.MAX_SAMPLES)
    guard block > 1 else {
        sample(frame, toFrame, size: size, samples, to: out, rowBytes: rowBytes)
        return
    }
    // Where the frame shrinks a lot, samples of block means are as good, and fast.
    let edges = [-1, Double(size)]
    let corners = edges.flatMap { x in edges.map { y in toFrame(Point(x, y)) } }
    let across = blocks(corners.map(\.x), length: frame.width, block: block)
    let down = blocks(corners.map(\.y), length: frame.height, block: block)
    let start = Point(Double(across[0]), Double(down[0]))
    let toBlocks = Affine(
        linear: toFrame.linear * (1 / Double(block)),
        shift: resize(toFrame.shift - start, by: 1 / Double(block)))
    let means = blockMeans(frame, across, down, block: block)
    means.withUnsafeBufferPointer {
        let reduced = Frame(
            width: across.count, height: down.count, rowBytes: 4 * across.count,
            bytes: $0.baseAddress!)
        sample(reduced, toBlocks, size: size, samples, to: out, rowBytes: rowBytes)
    }
}

/// Each pixel of the crop is the mean of f x f bilinear samples.
private func sample(
    _ frame: Frame, _ toFrame: Affine, size: Int, _ f: Int,
    to out: UnsafeMutablePointer<UInt8>, rowBytes: Int
) {
    let part = 1 / Double(f)
    let first = resize(Point.zero, by: part)
    for row in 0..<size {
        for column in 0..<size {
            var sum = SIMD4<Float>.zero
            for i in 0..<f * f {
                let offset = Point(Double(i % f), Double(i / f)) * part
                sum += bilinear(frame, toFrame(Point(Double(column), Double(row)) + first + offset))
            }
            let mean = sum / Float(f * f) + 0.5
            let p = out + row * rowBytes + 4 * column
            for channel in 0..<4 { p[channel] = UInt8(mean[channel]) }
        }
    }
}

private func bilinear(_ frame: Frame, _ at: Point) -> SIMD4<Float> {
    let last = Point(Double(frame.width - 1), Double(frame.height - 1))
    let place = simd_clamp(at, Point.zero, last)
    let x = Int(place.x), y = Int(place.y)
    let right = Float(place.x - Double(x)), below = Float(place.y - Double(y))
    let upper = frame.pixel(x, y) * (1 - right) + frame.pixel(x + 1, y) * right
    let lower = frame.pixel(x, y + 1) * (1 - right) + frame.pixel(x + 1, y + 1) * right
    return upper * (1 - below) + lower * below
}

/// The first pixels of the blocks along one axis that a crop needs; one more is beyond the frame.
private func blocks(_ edges: [Double], length: Int, block: Int) -> [Int] {
    let low = Int(edges.min()!.rounded(.down)), high = Int(edges.max()!.rounded(.up))
    let start = min(max(low - block, -block), length - 1)
    let stop = min(max(high + block, max(start, 0) + 1), length + block)
    return Array(stride(from: start, to: stop, by: block))
}

private func blockMeans(_ frame: Frame, _ across: [Int], _ down: [Int], block: Int) -> [UInt8] {
    var means: [UInt8] = []
    means.reserveCapacity(4 * across.count * down.count)
    for top in down {
        for left in across {
            var sum = SIMD4<Float>.zero
            for i in 0..<block * block { sum += frame.pixel(left + i % block, top + i / block) }
            let mean = sum / Float(block * block) + 0.5
            for channel in 0..<4 { means.append(UInt8(mean[channel])) }
        }
    }
    return means
}
