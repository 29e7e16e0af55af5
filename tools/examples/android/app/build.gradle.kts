plugins {
    id("com.android.application") version "9.2.1" // with Kotlin built in
}

android {
    namespace = "org.lmk.example"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.lmk.example"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
    }

    androidResources {
        noCompress += "tflite"
    }
}

dependencies {
    implementation("androidx.activity:activity:1.10.1")
    implementation("androidx.camera:camera-camera2:1.6.1")
    implementation("androidx.camera:camera-lifecycle:1.6.1")
    implementation("com.google.ai.edge.litert:litert:2.3.0")
}
