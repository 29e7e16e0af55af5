import SwiftUI

/// The camera's picture, mirrored, with the landmarks on it.
struct ContentView: View {
    static let model = "faces-small"
    static let lowScore = 0.3  // of landmarks that are not drawn

    @StateObject private var camera = Camera()

    var body: some View {
        ZStack {
            Color.black.ignoresSafeArea()
            if let picture = camera.picture {
                Image(decorative: picture, scale: 1)
                    .resizable()
                    .overlay(landmarks(in: picture))
                    .scaledToFit()
                    .scaleEffect(x: -1)
            }
            if let message = camera.message {
                Text(message).foregroundStyle(.white).padding()
            }
        }
        .task { await camera.start(model: Self.model) }
        .onDisappear(perform: camera.stop)
    }

    private func landmarks(in picture: CGImage) -> some View {
        Canvas { canvas, size in
            guard let found = camera.found else { return }
            let scale = size.width / CGFloat(picture.width)
            let radius = scale * found.box.side / 60
            for (point, score) in zip(found.landmarks, found.scores) where score >= Self.lowScore {
                // (0, 0) is the centre of a pixel for landmarks, and its corner for a canvas.
                let x = scale * (point.x + 0.5), y = scale * (point.y + 0.5)
                let dot = CGRect(x: x, y: y, width: 0, height: 0).insetBy(dx: -radius, dy: -radius)
                canvas.fill(Path(ellipseIn: dot), with: .color(.green))
            }
        }
    }
}
