// What Android Studio opens. The Maven build beside it, which CI runs, compiles the same sources without an Android SDK.
pluginManagement {
    repositories {
        mavenCentral()
        google()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        mavenCentral()
        google()
    }
}

rootProject.name = "smldist-android"
include(":sensing", ":inference", ":litert", ":executorch", ":recognizer", ":common", ":app", ":wear")
