package dev.smldist.app

import dev.smldist.common.TestDevice
import dev.smldist.common.TestScreen

/** The app of a [TestDevice] that is a phone. */
internal val TestDevice.demo: DemoApp get() = app as DemoApp

internal fun testScreen() = TestScreen(MainActivity::class.java)
