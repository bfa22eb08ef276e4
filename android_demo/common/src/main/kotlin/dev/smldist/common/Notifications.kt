package dev.smldist.common

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.Service
import android.content.Context
import android.content.Intent
import android.content.pm.ServiceInfo
import android.graphics.drawable.Icon
import android.os.Build
import androidx.annotation.RequiresApi

/** The notification of the running service, with an action that ends it. */
internal class Notifications(
    private val context: Context,
) {
    private val manager = context.getSystemService(NotificationManager::class.java)

    /** Whether the user lets this app show notifications. */
    val allowed: Boolean get() = manager.areNotificationsEnabled()

    /** Puts the service into the foreground. */
    fun startForeground(service: Service) {
        val name = context.getString(R.string.channel_name)
        manager.createNotificationChannel(NotificationChannel(CHANNEL, name, NotificationManager.IMPORTANCE_LOW))
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.UPSIDE_DOWN_CAKE) {
            startTyped(service)
        } else {
            service.startForeground(ID, build(null))
        }
    }

    /** Shows the present activity; null while none is certain. */
    fun show(label: String?) {
        if (allowed) manager.notify(ID, build(label))
    }

    @RequiresApi(Build.VERSION_CODES.UPSIDE_DOWN_CAKE)
    private fun startTyped(service: Service) {
        service.startForeground(ID, build(null), ServiceInfo.FOREGROUND_SERVICE_TYPE_HEALTH)
    }

    private fun build(label: String?): Notification {
        val screen = checkNotNull(context.packageManager.getLaunchIntentForPackage(context.packageName))
        val open = PendingIntent.getActivity(context, 0, screen, PendingIntent.FLAG_IMMUTABLE)
        val ending = Intent(context, RecognitionService::class.java).setAction(RecognitionService.ACTION_STOP)
        val stop = PendingIntent.getService(context, 0, ending, PendingIntent.FLAG_IMMUTABLE)
        val icon = Icon.createWithResource(context, R.drawable.ic_notification)
        return Notification
            .Builder(context, CHANNEL)
            .setSmallIcon(icon)
            .setContentTitle(context.getString(R.string.notification_title))
            .setContentText(label?.let(::readable) ?: context.getString(R.string.uncertain))
            .setContentIntent(open)
            .setOngoing(true)
            .setOnlyAlertOnce(true)
            .setCategory(Notification.CATEGORY_SERVICE)
            .addAction(Notification.Action.Builder(icon, context.getString(R.string.stop), stop).build())
            .build()
    }

    private companion object {
        const val CHANNEL = "recognition"
        const val ID = 1
    }
}
