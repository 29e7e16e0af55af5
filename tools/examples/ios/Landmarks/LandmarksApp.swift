import SwiftUI

@main
struct LandmarksApp: App {
    var body: some Scene {
        WindowGroup { ContentView() }
    }
}
